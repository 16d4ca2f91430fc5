import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { describeError, SidecarError } from '../base/errors.ts';
import { assembleCertificate, type Certificate } from './certificate.ts';

interface PemBlock {
  readonly label: string;
  /** With its BEGIN and END lines. */
  readonly text: string;
}

/**
 * Reads a certificate chain and its private key from PEM (RFC 7468) as people have it: with text around the blocks,
 * CRLF or a byte order mark, key and certificates mixed, the chain in any order. `origin` names the chain's file in
 * messages. Throws a SidecarError; does not check names, dates or whether the key matches (`checkCertificate` does).
 */
export function parsePemCertificate(chainPem: string, keyPem: string, origin: string): Certificate {
  const chainBlocks = readPemBlocks(chainPem);
  const keyBlocks = readPemBlocks(keyPem);
  if (!chainBlocks.some(isCertificate) && chainBlocks.some(isKey) && keyBlocks.some(isCertificate)) {
    throw unreadable(`${origin} holds a private key, and the file given as its key holds a certificate`, {
      hint: 'Swap the two files: cert is the chain of certificates, key the private key.',
    });
  }
  const certificates = chainBlocks.filter(isCertificate).map((block, index) => readCertificate(block, index, origin));
  const [first, ...others] = certificates;
  if (first === undefined) {
    throw unreadable(`${origin} holds no certificate in PEM form`, {
      hint: 'It needs a line -----BEGIN CERTIFICATE-----. For a binary (DER) file: openssl x509 -inform der -in FILE -out FILE.pem',
    });
  }
  const keys = keyBlocks.filter(isKey).map((block) => readKey(block, origin));
  const key = keys.find((candidate) => certificates.some((one) => one.checkPrivateKey(candidate))) ?? keys[0];
  if (key === undefined) {
    throw unreadable(`The key file that goes with ${origin} holds no private key in PEM form`, {
      hint: keyBlocks.some(isCertificate)
        ? 'It holds a certificate; give the file with -----BEGIN PRIVATE KEY----- as the key.'
        : 'It needs a line -----BEGIN PRIVATE KEY-----. For a binary (DER) file: openssl pkey -inform der -in FILE -out FILE.pem',
    });
  }
  return assembleCertificate([first, ...others], key, origin);
}

/** The error for a certificate that cannot be read at all. Code `certificate-unreadable`. */
export function unreadable(what: string, more: { readonly hint: string; readonly cause?: unknown }): SidecarError {
  return new SidecarError(`${what}.`, { code: 'certificate-unreadable', blame: 'operator', ...more });
}

function isCertificate(block: PemBlock): boolean {
  return block.label === 'CERTIFICATE' || block.label === 'X509 CERTIFICATE';
}

function isKey(block: PemBlock): boolean {
  return block.label.endsWith('PRIVATE KEY');
}

/** Every whole block, in linear time whatever the text. A block that does not end is left out. */
function readPemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const piece of text.split('-----BEGIN ').slice(1)) {
    const label = piece.slice(0, Math.max(0, piece.indexOf('-----')));
    const end = `-----END ${label}-----`;
    const length = piece.indexOf(end);
    if (/^[A-Z0-9 ]{1,40}$/.test(label) && length !== -1) {
      blocks.push({ label, text: `-----BEGIN ${piece.slice(0, length + end.length)}\n` });
    }
  }
  return blocks;
}

function readCertificate(block: PemBlock, index: number, origin: string): X509Certificate {
  try {
    // The label that OpenSSL once wrote is not read by all of it.
    const certificate = new X509Certificate(block.text.replaceAll('X509 CERTIFICATE', 'CERTIFICATE'));
    // Reading it now finds a key that OpenSSL does not understand here, and not in the middle of a handshake.
    certificate.publicKey;
    return certificate;
  } catch (cause) {
    throw unreadable(`Certificate ${index + 1} in ${origin} is damaged: ${describeError(cause)}`, {
      hint: 'Copy the file again from where it was made; openssl x509 -in FILE -text shows what is readable of it.',
      cause,
    });
  }
}

function readKey(block: PemBlock, origin: string): KeyObject {
  if (block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED/m.test(block.text)) {
    throw unreadable(`The private key that goes with ${origin} is protected by a passphrase`, {
      hint: 'Remove the passphrase (openssl pkey -in KEY -out KEY.plain) and keep the file readable for the sidecar alone, or give a PKCS#12 file with its password.',
    });
  }
  try {
    return createPrivateKey(block.text);
  } catch (cause) {
    throw unreadable(`The private key that goes with ${origin} is damaged: ${describeError(cause)}`, {
      hint: 'Copy the key file again from where it was made; openssl pkey -in KEY -noout -check tells whether it is whole.',
      cause,
    });
  }
}
