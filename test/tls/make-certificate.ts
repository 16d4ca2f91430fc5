import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import type { Certificate } from '../../src/tls/certificate.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { signLeaf } from '../../src/tls/sign-certificate.ts';

export const DAY = 86_400_000;

/** A certificate with its key, as PEM, made for a test. */
export interface Made {
  readonly commonName: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Wish {
  readonly commonName?: string;
  readonly names?: readonly string[];
  readonly ca?: boolean;
  /** Self-signed without one. */
  readonly issuer?: Made;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly bits?: number;
  readonly digest?: 'sha1' | 'sha256';
}

let serial = 1;

/** An RSA certificate of any kind. */
export function makeCertificate(wish: Wish): Made {
  const commonName = wish.commonName ?? wish.names?.[0] ?? 'made for a test';
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: wish.bits ?? 2048 });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const key = forge.pki.privateKeyFromPem(pkcs1);
  const certificate = forge.pki.createCertificate();
  serial += 1;
  certificate.serialNumber = `41${serial.toString(16).padStart(6, '0')}`;
  certificate.validity.notBefore = new Date(wish.notBefore ?? Date.now() - DAY);
  certificate.validity.notAfter = new Date(wish.notAfter ?? Date.now() + 60 * DAY);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  certificate.setIssuer([{ name: 'commonName', value: wish.issuer?.commonName ?? commonName }]);
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  const altNames = (wish.names ?? []).map((name) =>
    isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name },
  );
  certificate.setExtensions([
    { name: 'basicConstraints', cA: wish.ca ?? false, critical: true },
    ...(wish.ca ? [{ name: 'keyUsage', keyCertSign: true, critical: true }] : []),
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ]);
  const signer = wish.issuer === undefined ? key : forge.pki.privateKeyFromPem(wish.issuer.keyPem);
  certificate.sign(signer, wish.digest === 'sha1' ? forge.md.sha1.create() : forge.md.sha256.create());
  return { commonName, certPem: forge.pki.certificateToPem(certificate).replaceAll('\r', ''), keyPem };
}

/** An EC certificate, signed by an RSA issuer. */
export function makeEcCertificate(names: readonly string[], issuer: Made, curve = 'P-256', more: Wish = {}): Made {
  serial += 1;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const leaf = signLeaf(
    {
      commonName: names[0]!,
      serial: Buffer.alloc(16, serial),
      notBefore: more.notBefore ?? Date.now() - DAY,
      notAfter: more.notAfter ?? Date.now() + 60 * DAY,
      publicKey,
    },
    names,
    signerOf(issuer),
  );
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { commonName: names[0]!, certPem: leaf.toString(), keyPem };
}

/** As the sidecar reads it. */
export function read(made: Made, ...issuers: Made[]): Certificate {
  return parsePemCertificate([made, ...issuers].map(({ certPem }) => certPem).join(''), made.keyPem, made.commonName);
}

function signerOf({ commonName, keyPem }: Made) {
  return { commonName, privateKey: createPrivateKey(keyPem), publicKey: createPublicKey(keyPem) };
}
