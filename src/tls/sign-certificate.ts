import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

type Asn1 = forge.asn1.Asn1;
type Extension = Readonly<Record<string, unknown>>;

/** What goes into every certificate that the development CA makes. Times in milliseconds, kept to the second. */
export interface CertificateRequest {
  readonly commonName: string;
  /** 16 bytes or fewer; the top bit is cleared, because serial numbers are positive (RFC 5280 section 4.1.2.2). */
  readonly serial: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
}

/** Who signs: an RSA key, and the name of its certificate. */
export interface Signer {
  readonly commonName: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A root that may sign leafs and no further CA. `request` and `signer` have the same name and key. */
export function signRoot(request: CertificateRequest, signer: Signer): X509Certificate {
  return signCertificate(request, signer, [
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
  ]);
}

/** A server certificate for host names, wildcards and address literals, with a key of any kind. */
export function signLeaf(request: CertificateRequest, names: readonly string[], signer: Signer): X509Certificate {
  return signCertificate(request, signer, [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true },
    { name: 'extKeyUsage', serverAuth: true },
    // GeneralName (RFC 5280 section 4.2.1.6): 2 is dNSName, 7 iPAddress.
    {
      name: 'subjectAltName',
      altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
    },
  ]);
}

function signCertificate(
  request: CertificateRequest,
  signer: Signer,
  extensions: readonly Extension[],
): X509Certificate {
  const { asn1, pki } = forge;
  const certificate = pki.createCertificate();
  certificate.serialNumber = positiveSerial(request.serial);
  certificate.validity.notBefore = new Date(request.notBefore);
  certificate.validity.notAfter = new Date(request.notAfter);
  certificate.setSubject([{ name: 'commonName', value: request.commonName }]);
  certificate.setIssuer([{ name: 'commonName', value: signer.commonName }]);
  certificate.setExtensions([
    ...extensions,
    { id: pki.oids['subjectKeyIdentifier'], value: octetString(keyIdentifier(request.publicKey)) },
    { id: pki.oids['authorityKeyIdentifier'], value: authorityKeyIdentifier(keyIdentifier(signer.publicKey)) },
  ]);
  // forge can write RSA keys only. So it is given the signer's, which is one, and the real one is put in its place.
  const signerSpki = signer.publicKey.export({ type: 'spki', format: 'der' });
  certificate.publicKey = pki.publicKeyFromAsn1(readDer(signerSpki));
  const algorithm = { algorithmOid: pki.oids['sha256WithRSAEncryption']!, parameters: undefined };
  certificate.siginfo = algorithm;
  const body = tbsCertificate(certificate);
  const parts = body.value as Asn1[];
  // TBSCertificate: version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, extensions.
  parts[6] = readDer(request.publicKey.export({ type: 'spki', format: 'der' }));
  const signature = sign('sha256', writeDer(body), signer.privateKey);
  const { Class, Type } = asn1;
  const signed = asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [
    body,
    parts[2]!,
    // The first byte says how many bits of the last one are not used: none.
    asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${signature.toString('latin1')}`),
  ]);
  return new X509Certificate(writeDer(signed));
}

function tbsCertificate(certificate: forge.pki.Certificate): Asn1 {
  // Missing from the type declarations.
  const pki = forge.pki as typeof forge.pki & { getTBSCertificate(certificate: forge.pki.Certificate): Asn1 };
  return pki.getTBSCertificate(certificate);
}

/** RFC 7093 section 2, method 1: the first 160 bits of the key's SHA-256. */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

function authorityKeyIdentifier(identifier: Buffer): string {
  const { Class, Type } = forge.asn1;
  const inner = forge.asn1.create(Class.CONTEXT_SPECIFIC, 0, false, identifier.toString('latin1'));
  return writeDer(forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [inner])).toString('latin1');
}

function octetString(bytes: Buffer): string {
  const { Class, Type } = forge.asn1;
  return writeDer(forge.asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes.toString('latin1'))).toString(
    'latin1',
  );
}

function positiveSerial(bytes: Uint8Array): string {
  const serial = Buffer.from(bytes);
  // Neither negative nor with a leading zero that DER would forbid.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial.toString('hex');
}

function readDer(der: Buffer): Asn1 {
  return forge.asn1.fromDer(der.toString('latin1'));
}

function writeDer(value: Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1');
}
