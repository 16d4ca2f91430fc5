import { createCipheriv, createHmac, createPrivateKey, pbkdf2Sync, randomBytes, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { Made } from './make-certificate.ts';

type Asn1 = forge.asn1.Asn1;
const { asn1, pki, pkcs12 } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { SEQUENCE, OCTETSTRING, INTEGER, OID, NULL } = asn1.Type;

/** As forge exports it, for RSA keys: one encrypted safe, MAC with SHA-1. */
export function makeRsaPkcs12(
  made: Made,
  issuers: readonly Made[],
  password: string,
  algorithm: 'aes256' | '3des',
): Buffer {
  const key = pki.privateKeyFromPem(made.keyPem);
  const chain = [made, ...issuers].map(({ certPem }) => pki.certificateFromPem(certPem));
  return der(pkcs12.toPkcs12Asn1(key, chain, password, { algorithm }));
}

/**
 * As OpenSSL 3 exports it, for keys of any kind (forge writes RSA only): RFC 7292 with PBES2, AES-256-CBC and SHA-256,
 * certificates in the order given. `claimedIterations` is what the file says of its MAC, which is made with 2048.
 */
export function makePkcs12(
  keyPem: string,
  certificates: readonly Made[],
  password: string,
  claimedIterations = 2048,
): Buffer {
  const keyDer = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  const keyBag = seq(oid(pki.oids['pkcs8ShroudedKeyBag']!), tagged(encryptedKey(keyDer, password)));
  const certificateBags = certificates.map(({ certPem }) =>
    seq(
      oid(pki.oids['certBag']!),
      tagged(seq(oid(pki.oids['x509Certificate']!), tagged(octets(new X509Certificate(certPem).raw)))),
    ),
  );
  const safes = der(seq(dataInfo(der(seq(...certificateBags))), dataInfo(der(seq(keyBag)))));
  const salt = randomBytes(8);
  const macKey = pkcs12.generateKey(
    password,
    forge.util.createBuffer(salt.toString('latin1')),
    3 as unknown as forge.Byte,
    2048,
    32,
    forge.md.sha256.create(),
  );
  const mac = createHmac('sha256', Buffer.from(macKey.getBytes(), 'latin1')).update(safes).digest();
  const algorithm = seq(oid(pki.oids['sha256']!), nothing());
  return der(
    seq(integer(3), dataInfo(safes), seq(seq(algorithm, octets(mac)), octets(salt), integer(claimedIterations))),
  );
}

function encryptedKey(keyDer: Buffer, password: string): Asn1 {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(Buffer.from(password, 'utf8'), salt, 2048, 32, 'sha256'), iv);
  const encrypted = Buffer.concat([cipher.update(keyDer), cipher.final()]);
  const prf = seq(oid(pki.oids['hmacWithSHA256']!), nothing());
  const derivation = seq(oid(pki.oids['pkcs5PBKDF2']!), seq(octets(salt), integer(2048), integer(32), prf));
  const scheme = seq(oid(pki.oids['aes256-CBC']!), octets(iv));
  return seq(seq(oid(pki.oids['pkcs5PBES2']!), seq(derivation, scheme)), octets(encrypted));
}

function dataInfo(content: Buffer): Asn1 {
  return seq(oid(pki.oids['data']!), tagged(octets(content)));
}

function seq(...parts: Asn1[]): Asn1 {
  return asn1.create(UNIVERSAL, SEQUENCE, true, parts);
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

function oid(value: string): Asn1 {
  return asn1.create(UNIVERSAL, OID, false, asn1.oidToDer(value).getBytes());
}

function nothing(): Asn1 {
  return asn1.create(UNIVERSAL, NULL, false, '');
}

function der(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), 'latin1');
}
