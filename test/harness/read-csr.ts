import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import forge from 'node-forge';

/** What a PKCS#10 request asks for. */
export interface CertificateRequestContent {
  readonly publicKey: KeyObject;
  /** Of the subjectAltName: DNS names, and addresses as text. */
  readonly names: readonly string[];
  /** Of the subject; undefined when it has none. */
  readonly commonName: string | undefined;
}

type Asn1 = forge.asn1.Asn1;
const { asn1, pki } = forge;
const children = (value: Asn1): Asn1[] => value.value as Asn1[];
const bytesOf = (value: Asn1): string => value.value as string;
const oidOf = (value: Asn1): string => asn1.derToOid(bytesOf(value));
const derOf = (value: Asn1): Buffer => Buffer.from(asn1.toDer(value).getBytes(), 'latin1');

/** Reads a request (DER) with a key of any kind, and throws unless its signature is right. */
export function readCsr(der: Buffer): CertificateRequestContent {
  const [info, , signature] = children(asn1.fromDer(der.toString('latin1'), { decodeBitStrings: false } as never));
  const [, subject, spki, attributes] = children(info!);
  const publicKey = createPublicKey({ key: derOf(spki!), format: 'der', type: 'spki' });
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  const signed = Buffer.from(bytesOf(signature!), 'latin1').subarray(1);
  if (!verify(curve === 'secp384r1' ? 'sha384' : 'sha256', derOf(info!), publicKey, signed)) {
    throw new Error('the signature of the certificate request is wrong');
  }
  return { publicKey, names: readNames(attributes!), commonName: readCommonName(subject!) };
}

function readNames(attributes: Asn1): string[] {
  for (const attribute of children(attributes)) {
    const [type, values] = children(attribute);
    if (oidOf(type!) !== pki.oids['extensionRequest']) continue;
    for (const extension of children(children(values!)[0]!)) {
      const parts = children(extension);
      if (oidOf(parts[0]!) !== pki.oids['subjectAltName']) continue;
      const list = asn1.fromDer(bytesOf(parts.at(-1)!));
      return children(list).map((name) => (name.type === 7 ? addressOf(bytesOf(name)) : bytesOf(name)));
    }
  }
  return [];
}

function readCommonName(subject: Asn1): string | undefined {
  for (const set of children(subject)) {
    const [type, value] = children(children(set)[0]!);
    if (oidOf(type!) === pki.oids['commonName']) return bytesOf(value!);
  }
  return undefined;
}

function addressOf(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  if (buffer.length === 4) return buffer.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => buffer.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
