import { createHash, generateKeyPair, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { System } from '../../base/system.ts';
import type { Identifier } from '../solver.ts';
import { addressBytes } from './challenge-server-name.ts';

type Asn1 = forge.asn1.Asn1;
const { asn1 } = forge;
const { Class, Type } = asn1;

const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const BASIC_CONSTRAINTS = '2.5.29.19';
const SUBJECT_ALT_NAME = '2.5.29.17';
/** Milliseconds on either side of now; a CA looks at neither end. */
const VALID = 86_400_000;
const makeKeyPair = promisify(generateKeyPair);

/** Certificate and key, both PEM, that answer one tls-alpn-01 challenge. */
export interface ChallengeCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * A self-signed certificate as RFC 8737 section 3 wants it: the identifier as its only subjectAltName (an iPAddress
 * for an address, RFC 8738 section 6), and the critical extension acmeIdentifier with the key authorization's SHA-256.
 * Its key is EC P-256 and new.
 */
export async function makeChallengeCertificate(
  identifier: Identifier,
  keyAuthorization: string,
  system: System,
): Promise<ChallengeCertificate> {
  const { publicKey, privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const body = sequence(
    asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [bytes(Type.INTEGER, Buffer.from([2]))]),
    bytes(Type.INTEGER, positive(system.randomBytes(16))),
    algorithm(),
    name(),
    sequence(time(system.now() - VALID), time(system.now() + VALID)),
    name(),
    spki(publicKey),
    asn1.create(Class.CONTEXT_SPECIFIC, 3, true, [
      sequence(
        extension(BASIC_CONSTRAINTS, true, sequence()),
        extension(SUBJECT_ALT_NAME, false, sequence(generalName(identifier))),
        extension(ACME_IDENTIFIER, true, bytes(Type.OCTETSTRING, digest)),
      ),
    ]),
  );
  const signature = sign('sha256', writeDer(body), privateKey);
  // The first byte of a bit string says how many bits of the last one are not used: none.
  const der = writeDer(sequence(body, algorithm(), bytes(Type.BITSTRING, Buffer.concat([Buffer.alloc(1), signature]))));
  return {
    certPem: new X509Certificate(der).toString(),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** GeneralName (RFC 5280 section 4.2.1.6): 2 is dNSName, 7 iPAddress. */
function generalName({ type, value }: Identifier): Asn1 {
  if (type === 'dns') return asn1.create(Class.CONTEXT_SPECIFIC, 2, false, value.toLowerCase());
  return asn1.create(Class.CONTEXT_SPECIFIC, 7, false, addressBytes(value).toString('latin1'));
}

function extension(id: string, critical: boolean, value: Asn1): Asn1 {
  const flag = critical ? [bytes(Type.BOOLEAN, Buffer.from([0xff]))] : [];
  return sequence(objectId(id), ...flag, bytes(Type.OCTETSTRING, writeDer(value)));
}

function name(): Asn1 {
  const text = asn1.create(Class.UNIVERSAL, Type.UTF8, false, 'ACME challenge');
  return sequence(asn1.create(Class.UNIVERSAL, Type.SET, true, [sequence(objectId(COMMON_NAME), text)]));
}

/** UTCTime ends with 2049 (RFC 5280 section 4.1.2.5). */
function time(instant: number): Asn1 {
  const date = new Date(instant);
  return date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
}

function algorithm(): Asn1 {
  return sequence(objectId(ECDSA_WITH_SHA256));
}

function spki(key: KeyObject): Asn1 {
  return asn1.fromDer(key.export({ type: 'spki', format: 'der' }).toString('latin1'));
}

/** RFC 5280 section 4.1.2.2: neither negative nor with a leading zero that DER would forbid. */
function positive(serial: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(serial[0]! & 0x7f) | 0x40]), serial.subarray(1)]);
}

function objectId(id: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(id).getBytes());
}

function bytes(type: forge.asn1.Type, value: Buffer): Asn1 {
  return asn1.create(Class.UNIVERSAL, type, false, value.toString('latin1'));
}

function sequence(...parts: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);
}

function writeDer(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), 'latin1');
}
