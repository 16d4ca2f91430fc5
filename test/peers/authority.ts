import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';

/** A certificate and its key as PEM files. */
export interface IssuedFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives as long as one test run. */
export interface TestAuthority {
  /** The authority's own certificate, PEM. */
  readonly pem: string;
  /** Writes FOLDER/NAME.pem (leaf, then the authority) and FOLDER/NAME.key (mode 0600) for these DNS names. */
  issue(folder: string, name: string, dnsNames: readonly string[]): IssuedFiles;
}

function makeKeys(): forge.pki.rsa.KeyPair {
  // Node makes the key: node-forge's own RSA generator takes seconds.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  return { privateKey: key, publicKey: forge.pki.setRsaPublicKey(key.n, key.e) };
}

function startCertificate(keys: forge.pki.rsa.KeyPair, serial: string, days: number): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = serial;
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + days * 86_400_000);
  return certificate;
}

/** Makes a new authority; nothing of it is written anywhere but by `issue`. */
export function createTestAuthority(commonName: string): TestAuthority {
  const subject = [{ name: 'commonName', value: commonName }];
  const keys = makeKeys();
  const own = startCertificate(keys, '01', 30);
  own.setSubject(subject);
  own.setIssuer(subject);
  own.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  own.sign(keys.privateKey, forge.md.sha256.create());
  const pem = forge.pki.certificateToPem(own);
  let serial = 1;
  return {
    pem,
    issue(folder, name, dnsNames) {
      serial += 1;
      const leafKeys = makeKeys();
      const leaf = startCertificate(leafKeys, serial.toString(16).padStart(2, '0'), 20);
      leaf.setSubject([{ name: 'commonName', value: name }]);
      leaf.setIssuer(subject);
      leaf.setExtensions([
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: dnsNames.map((value) => ({ type: 2, value })) },
        { name: 'authorityKeyIdentifier', keyIdentifier: own.generateSubjectKeyIdentifier().getBytes() },
      ]);
      leaf.sign(keys.privateKey, forge.md.sha256.create());
      const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
      writeFileSync(files.cert, forge.pki.certificateToPem(leaf) + pem);
      writeFileSync(files.key, forge.pki.privateKeyToPem(leafKeys.privateKey), { mode: 0o600 });
      return files;
    },
  };
}
