import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { describeError, SidecarError } from '../base/errors.ts';
import { assembleCertificate, type Certificate } from './certificate.ts';
import { unreadable } from './pem-certificate.ts';

type Asn1 = forge.asn1.Asn1;

/** Usual files have 2048 to 100000; each one costs microseconds, and a damaged file can ask for any number. */
const MOST_MAC_ITERATIONS = 1_000_000;
const AS_PEM = 'Or convert it to PEM: openssl pkcs12 -in FILE -nodes -out FILE.pem, which serves as both cert and key.';

/**
 * Reads a certificate chain and its key from a PKCS#12 file (RFC 7292), as OpenSSL, Windows and Java write them, with
 * RSA and EC keys. The key's certificate becomes the leaf, whatever the order. Throws a SidecarError; does not check
 * names or dates (`checkCertificate` does).
 */
export function parsePkcs12(bytes: Uint8Array, password: string, origin: string): Certificate {
  const { keyBags, certificateBags } = openPkcs12(bytes, password, origin);
  try {
    const [first, ...others] = certificateBags.map(readCertificateBag);
    const keys = keyBags.map(readKeyBag);
    const key = keys.find((candidate) => [first, ...others].some((one) => one?.checkPrivateKey(candidate))) ?? keys[0];
    if (first === undefined || key === undefined) {
      throw unreadable(`${origin} holds no ${first === undefined ? 'certificate' : 'private key'}`, {
        hint: 'Export it again with the certificate, its chain and the private key in it.',
      });
    }
    return assembleCertificate([first, ...others], key, origin);
  } catch (cause) {
    if (cause instanceof SidecarError) throw cause;
    throw unreadable(`${origin} holds a certificate or key that cannot be read: ${describeError(cause)}`, {
      hint: `Export it again, with an EC (P-256) or RSA key. ${AS_PEM}`,
      cause,
    });
  }
}

interface OpenedPkcs12 {
  readonly keyBags: readonly forge.pkcs12.Bag[];
  readonly certificateBags: readonly forge.pkcs12.Bag[];
}

function openPkcs12(bytes: Uint8Array, password: string, origin: string): OpenedPkcs12 {
  let parsed: Asn1;
  try {
    // Not strict: what some programs write is BER, of which DER is the strict form.
    parsed = forge.asn1.fromDer(Buffer.from(bytes).toString('latin1'), false);
    refuseCostlyMac(parsed);
  } catch (cause) {
    throw unreadable(`${origin} is no PKCS#12 file: ${describeError(cause)}`, {
      hint: 'A PKCS#12 file is binary and mostly ends in .p12 or .pfx; for PEM files set cert and key instead.',
      cause,
    });
  }
  try {
    const opened = unlock(parsed, password);
    const bags = (...types: string[]) => types.flatMap((bagType) => opened.getBags({ bagType })[bagType] ?? []);
    const { keyBag, pkcs8ShroudedKeyBag, certBag } = forge.pki.oids;
    return { keyBags: bags(keyBag!, pkcs8ShroudedKeyBag!), certificateBags: bags(certBag!) };
  } catch (cause) {
    const why = describeError(cause);
    if (/(invalid|wrong) password|failed to decrypt/i.test(why)) {
      throw unreadable(`The password does not open ${origin}`, { hint: 'Correct the password of this file.', cause });
    }
    throw unreadable(`${origin} cannot be opened as a PKCS#12 file: ${why}`, {
      hint: `Export it again as PKCS#12 with AES-256 and SHA-256. ${AS_PEM}`,
      cause,
    });
  }
}

/** Opens the file, trying the spellings of a password that programs disagree about. Throws forge's first error. */
function unlock(parsed: Asn1, password: string): forge.pkcs12.Pkcs12Pfx {
  try {
    return forge.pkcs12.pkcs12FromAsn1(parsed, false, password);
  } catch (error) {
    try {
      // An empty password has two forms: with a terminator and without.
      if (password === '') return forge.pkcs12.pkcs12FromAsn1(parsed, false);
      // The MAC is made with the password in UTF-16 (RFC 7292 appendix B.1), modern contents are encrypted with it in
      // UTF-8 (RFC 8018). forge takes one for both, so the contents are opened without asking it for the MAC.
      const utf8 = Buffer.from(password, 'utf8').toString('latin1');
      if (utf8 !== password) return forge.pkcs12.pkcs12FromAsn1(withoutMac(parsed), false, utf8);
    } catch {
      // The first error says more: it is about the password as it was given.
    }
    throw error;
  }
}

function withoutMac(parsed: Asn1): Asn1 {
  return { ...parsed, value: (parsed.value as Asn1[]).slice(0, 2) };
}

// PFX ::= SEQUENCE { version, authSafe, macData SEQUENCE { mac, macSalt, iterations DEFAULT 1 } OPTIONAL }
function refuseCostlyMac(parsed: Asn1): void {
  const iterations = childOf(childOf(parsed, 2), 2);
  if (iterations === undefined) return;
  const count =
    typeof iterations.value === 'string'
      ? Number(`0x${Buffer.from(iterations.value, 'latin1').toString('hex')}`)
      : Number.NaN;
  if (!(count >= 1 && count <= MOST_MAC_ITERATIONS)) throw new Error('its MAC asks for an absurd number of rounds');
}

function childOf(parent: Asn1 | undefined, index: number): Asn1 | undefined {
  return parent !== undefined && Array.isArray(parent.value) ? (parent.value[index] as Asn1 | undefined) : undefined;
}

// forge makes objects of RSA keys and certificates only, and leaves the others as ASN.1. Node reads the DER of both.
function readKeyBag(bag: forge.pkcs12.Bag): KeyObject {
  const asn1 = bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
  return createPrivateKey({ key: toDer(asn1), format: 'der', type: 'pkcs8' });
}

function readCertificateBag(bag: forge.pkcs12.Bag): X509Certificate {
  const certificate = new X509Certificate(toDer(bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1));
  certificate.publicKey;
  return certificate;
}

function toDer(asn1: Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'latin1');
}
