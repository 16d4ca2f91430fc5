import { createCipheriv, createHash, createHmac, createPrivateKey, pbkdf2, type X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { System } from '../base/system.ts';
import type { Certificate } from './certificate.ts';

type Asn1 = forge.asn1.Asn1;
const { asn1, pki, pkcs12 } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { SEQUENCE, SET, OCTETSTRING, INTEGER, OID, NULL, BMPSTRING } = asn1.Type;
const deriveKey = promisify(pbkdf2);

/** Rounds of key derivation, for the key and for the MAC: what tells a right password from a wrong one is the weaker. */
const ROUNDS = 10_000;
/** The purpose of a derived key that makes a MAC: RFC 7292 appendix B.3. */
const MAC_KEY = 3;

/**
 * A PKCS#12 file (RFC 7292) with key, certificate and chain, for keys of any kind: forge writes RSA keys only, so the
 * key goes in as node:crypto exports it, encrypted with AES-256-CBC (PBES2, RFC 8018), and the file has a MAC with
 * SHA-256. OpenSSL from 1.1, Java from 8u301 and Windows from Server 2019 read that.
 */
export async function writePkcs12(
  certificate: Certificate,
  password: string,
  { system }: { readonly system: Pick<System, 'randomBytes'> },
): Promise<Buffer> {
  const key = createPrivateKey(certificate.keyPem).export({ type: 'pkcs8', format: 'der' });
  // Programs find the key's certificate by this, and people by the name.
  const identifier = createHash('sha1').update(certificate.leaf.raw).digest();
  const [name = 'certificate'] = [...certificate.dnsNames, ...certificate.ipAddresses];
  const attributes = nest(
    SET,
    sequence(oid('localKeyId'), nest(SET, octets(identifier))),
    sequence(oid('friendlyName'), nest(SET, asn1.create(UNIVERSAL, BMPSTRING, false, name))),
  );
  const encrypted = await encryptKey(key, password, system);
  const keyBag = sequence(oid('pkcs8ShroudedKeyBag'), tagged(encrypted), attributes);
  const certificateBags = certificate.chain.map((one) =>
    sequence(oid('certBag'), tagged(certificateBag(one)), ...(one === certificate.leaf ? [attributes] : [])),
  );
  const safes = toDer(sequence(dataInfo(toDer(sequence(...certificateBags))), dataInfo(toDer(sequence(keyBag)))));
  const salt = system.randomBytes(16);
  const mac = createHmac('sha256', deriveMacKey(password, salt)).update(safes).digest();
  const digest = sequence(sequence(oid('sha256'), nothing()), octets(mac));
  return toDer(sequence(integer(3), dataInfo(safes), sequence(digest, octets(salt), integer(ROUNDS))));
}

/** EncryptedPrivateKeyInfo (RFC 5958 section 3). The password counts in UTF-8 here (RFC 8018). */
async function encryptKey(key: Buffer, password: string, system: Pick<System, 'randomBytes'>): Promise<Asn1> {
  const [salt, iv] = [system.randomBytes(16), system.randomBytes(16)];
  const secret = await deriveKey(Buffer.from(password, 'utf8'), salt, ROUNDS, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', secret, iv);
  const encrypted = Buffer.concat([cipher.update(key), cipher.final()]);
  const prf = sequence(oid('hmacWithSHA256'), nothing());
  const derivation = sequence(oid('pkcs5PBKDF2'), sequence(octets(salt), integer(ROUNDS), integer(32), prf));
  const scheme = sequence(oid('aes256-CBC'), octets(iv));
  return sequence(sequence(oid('pkcs5PBES2'), sequence(derivation, scheme)), octets(encrypted));
}

/** RFC 7292 appendix B.2; the password counts in UTF-16 here. */
function deriveMacKey(password: string, salt: Buffer): Buffer {
  const bytes = forge.util.createBuffer(salt.toString('latin1'));
  // The declaration has a type of its own for a byte.
  const purpose = MAC_KEY as unknown as forge.Byte;
  const key = pkcs12.generateKey(password, bytes, purpose, ROUNDS, 32, forge.md.sha256.create());
  return Buffer.from(key.getBytes(), 'latin1');
}

function certificateBag(certificate: X509Certificate): Asn1 {
  return sequence(oid('x509Certificate'), tagged(octets(certificate.raw)));
}

function dataInfo(content: Buffer): Asn1 {
  return sequence(oid('data'), tagged(octets(content)));
}

function sequence(...parts: Asn1[]): Asn1 {
  return nest(SEQUENCE, ...parts);
}

function nest(type: forge.asn1.Type, ...parts: Asn1[]): Asn1 {
  return asn1.create(UNIVERSAL, type, true, parts);
}

function tagged(inner: Asn1): Asn1 {
  return asn1.create(CONTEXT_SPECIFIC, 0 as forge.asn1.Type, true, [inner]);
}

function octets(bytes: Buffer): Asn1 {
  return asn1.create(UNIVERSAL, OCTETSTRING, false, bytes.toString('latin1'));
}

function integer(value: number): Asn1 {
  return asn1.create(UNIVERSAL, INTEGER, false, asn1.integerToDer(value).getBytes());
}

function oid(name: string): Asn1 {
  return asn1.create(UNIVERSAL, OID, false, asn1.oidToDer(pki.oids[name]!).getBytes());
}

function nothing(): Asn1 {
  return asn1.create(UNIVERSAL, NULL, false, '');
}

function toDer(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), 'latin1');
}
