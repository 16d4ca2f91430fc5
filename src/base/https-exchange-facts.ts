import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TlsFacts } from './https-exchange.ts';

/** What is kept of a finished handshake, and our judgement of the certificate for this name or IP address. */
export function readTlsFacts(socket: TLSSocket, certificateName: string): TlsFacts {
  const chain = readSentChain(socket);
  // Certificates never have the dot that ends an absolute name.
  const name = certificateName.replace(/\.$/, '');
  return {
    version: (socket.getProtocol() ?? 'unknown').replace('TLSv', 'TLS '),
    cipherSuite: socket.getCipher()?.standardName ?? 'unknown',
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined,
    chain: chain.map((certificate) => certificate.raw),
    untrusted: judge(chain[0], socket.authorizationError, name),
  };
}

/**
 * The certificates of the peer's Certificate message, in its order and with whatever does not belong there.
 * (`getPeerCertificate(true)` would follow the issuers instead, and complete them from our own roots.)
 */
function readSentChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next = socket.getPeerX509Certificate(); next !== undefined; next = next.issuerCertificate) chain.push(next);
  return chain;
}

/** OpenSSL's verdict on the chain first, since the names of a certificate that nobody vouches for mean nothing. */
function judge(leaf: X509Certificate | undefined, verdict: unknown, name: string): TlsFacts['untrusted'] {
  if (leaf === undefined) return { code: 'NO_CERTIFICATE', words: 'it showed no certificate' };
  // Node has the code as a string here, and an Error in its types.
  const code = typeof verdict === 'string' ? verdict : verdict instanceof Error ? verdict.message : undefined;
  if (code !== undefined) return { code, words: VERDICTS[code] ?? `OpenSSL says ${code}` };
  if (isIP(name) !== 0) {
    if (leaf.checkIP(name) !== undefined) return undefined;
    return { code: 'IP_ADDRESS_MISMATCH', words: `the certificate is not for the address ${name}` };
  }
  if (leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined) return undefined;
  return { code: 'HOSTNAME_MISMATCH', words: `the certificate is not for ${name}` };
}

const VERDICTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired, or one that vouches for it',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet, or one that vouches for it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed: no authority vouches for it',
  SELF_SIGNED_CERT_IN_CHAIN: 'the chain ends in a root that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate of an issuer in the chain is missing',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of the last certificate in the chain is neither sent nor trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate's issuer is neither sent nor trusted here",
  CERT_SIGNATURE_FAILURE: 'a signature in the chain is wrong',
  CERT_CHAIN_TOO_LONG: 'the chain is too long',
  CERT_REVOKED: 'the certificate is revoked',
  INVALID_CA: 'a certificate in the chain may not vouch for others',
  INVALID_PURPOSE: 'the certificate may not be used by a server',
  PATH_LENGTH_EXCEEDED: 'an authority in the chain may not have another below it',
  CERT_UNTRUSTED: 'the certificate is marked as not trusted',
  CERT_REJECTED: 'the certificate is marked as rejected',
  EE_KEY_TOO_SMALL: 'the key of the certificate is too small',
  CA_KEY_TOO_SMALL: 'the key of an authority in the chain is too small',
  CA_MD_TOO_WEAK: 'a signature in the chain uses a digest that is too weak',
};
