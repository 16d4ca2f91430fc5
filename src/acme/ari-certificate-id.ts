import { X509Certificate } from 'node:crypto';
import { SidecarError } from '../base/errors.ts';

// Object identifier 2.5.29.35, authorityKeyIdentifier, as DER.
const AUTHORITY_KEY_IDENTIFIER = Buffer.from('0603551d23', 'hex');

/** One DER value: its tag, and its content inside `bytes`. */
interface Der {
  readonly tag: number;
  readonly content: Buffer;
  /** What stands after it. */
  readonly rest: Buffer;
}

/**
 * The name by which a CA knows a certificate when it is asked when to renew it and when an order replaces it: RFC 9773
 * section 4.1. `certificate` is PEM (of a chain, the first) or DER. Undefined where the certificate has no
 * authorityKeyIdentifier with a key identifier, so that it has no such name. Throws a SidecarError when it is unreadable.
 */
export function ariCertificateId(certificate: string | Uint8Array): string | undefined {
  try {
    const der = new X509Certificate(certificate).raw;
    // Certificate: TBSCertificate first, in which: [0] version, serialNumber, ..., [3] extensions.
    let rest = readDer(readDer(der).content).content;
    let serial: Buffer | undefined;
    let keyIdentifier: Buffer | undefined;
    while (rest.length > 0) {
      const member = readDer(rest);
      if (member.tag === 0x02) serial ??= member.content;
      if (member.tag === 0xa3) keyIdentifier = findKeyIdentifier(readDer(member.content).content);
      rest = member.rest;
    }
    if (serial === undefined || keyIdentifier === undefined) return undefined;
    return `${keyIdentifier.toString('base64url')}.${serial.toString('base64url')}`;
  } catch (cause) {
    throw new SidecarError('The certificate cannot be read, so the CA cannot be asked about it.', {
      code: 'certificate-unreadable',
      blame: 'us',
      cause,
    });
  }
}

/** The [0] keyIdentifier of the authorityKeyIdentifier among these extensions (RFC 5280 section 4.2.1.1). */
function findKeyIdentifier(extensions: Buffer): Buffer | undefined {
  for (let rest = extensions; rest.length > 0; ) {
    const extension = readDer(rest);
    rest = extension.rest;
    if (!extension.content.subarray(0, AUTHORITY_KEY_IDENTIFIER.length).equals(AUTHORITY_KEY_IDENTIFIER)) continue;
    let value = readDer(readDer(extension.content).rest);
    // `critical`, which it should not be, stands before the value.
    if (value.tag === 0x01) value = readDer(value.rest);
    const members = readDer(value.content).content;
    if (members.length === 0) return undefined;
    const first = readDer(members);
    return first.tag === 0x80 ? first.content : undefined;
  }
  return undefined;
}

/** Reads the first value in `bytes`, with a one-byte tag and a definite length: certificates have no others. */
function readDer(bytes: Buffer): Der {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined) throw new RangeError('DER ends too early');
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4 || bytes.length < 2 + lengthBytes) throw new RangeError('bad DER length');
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const start = 2 + lengthBytes;
  if (bytes.length < start + length) throw new RangeError('DER ends too early');
  return { tag, content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}
