import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { makePkcs12 } from '../tls/make-pkcs12.ts';

let folder: string;
let sidecar: TestSidecar;
let root: Made;

/** The first server's certificate is the default; the second's is a wildcard in a PKCS#12 file. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sni-'));
  root = makeCertificate({ commonName: 'root', ca: true });
  const first = makeEcCertificate(['a.test'], root);
  const firstFederation = makeEcCertificate(['a.test', 'federation-of-a.test'], root);
  const second = makeEcCertificate(['*.b.test'], root);
  const exact = makeCertificate({ names: ['c.b.test'], issuer: root });
  const place = async (name: string, made: Made): Promise<void> => {
    await writeFile(join(folder, `${name}.pem`), made.certPem);
    await writeFile(join(folder, `${name}.key`), made.keyPem);
  };
  await place('first', first);
  await place('first-federation', firstFederation);
  await place('exact', exact);
  await writeFile(join(folder, 'second.p12'), makePkcs12(second.keyPem, [second], 'secret'));
  await writeFile(join(folder, 'password'), 'secret\n');
  const at = (name: string): string => JSON.stringify(join(folder, name));
  sidecar = await startTestSidecar(`certificates: files
servers:
  - server_name: a.test
    homeserver: http://127.0.0.1:1
    certificate: { cert: ${at('first.pem')}, key: ${at('first.key')} }
    federation_certificate: { cert: ${at('first-federation.pem')}, key: ${at('first-federation.key')} }
  - server_name: d.b.test
    homeserver: http://127.0.0.1:2
    certificate: { pkcs12: ${at('second.p12')}, password_file: ${at('password')} }
  - server_name: c.b.test
    homeserver: http://127.0.0.1:3
    certificate: { cert: ${at('exact.pem')}, key: ${at('exact.key')} }
`);
});
afterAll(async () => {
  await sidecar?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Met {
  readonly names: string | undefined;
  readonly version: string | null;
}

/** The certificate and TLS version that a client meets; the error's code where there is no connection. */
function meet(on: 'https' | 'federation', servername: string, more: ConnectionOptions = {}): Promise<Met | string> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port: sidecar[on], servername, rejectUnauthorized: false, ...more };
    const socket = connectTls(options, () => {
      const leaf = new X509Certificate(socket.getPeerCertificate().raw);
      resolve({ names: leaf.subjectAltName?.replaceAll('DNS:', ''), version: socket.getProtocol() });
      socket.destroy();
    });
    socket.once('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
  });
}

const names = async (on: 'https' | 'federation', servername: string): Promise<string | undefined> => {
  const met = await meet(on, servername);
  return typeof met === 'string' ? met : met.names;
};

describe('on the https port', () => {
  it.each([
    ['a.test', 'a.test', 'exact'],
    ['A.TEST', 'a.test', 'any case'],
    ['c.b.test', 'c.b.test', 'exact comes before wildcard'],
    ['C.b.TEST', 'c.b.test', 'any case'],
    ['d.b.test', '*.b.test', 'wildcard'],
    ['X.B.TEST', '*.b.test', 'wildcard, any case'],
    ['b.test', 'a.test', 'a wildcard does not cover the name itself'],
    ['x.y.b.test', 'a.test', 'a wildcard covers one label'],
    ['unknown.test', 'a.test', 'default'],
    ['', 'a.test', 'no SNI: default'],
    ['federation-of-a.test', 'a.test', 'the other port’s certificate is not here'],
  ])('%j gets the certificate for %s (%s)', async (servername, expected) => {
    expect(await names('https', servername)).toBe(expected);
  });
});

describe('on the federation port', () => {
  it.each([
    ['a.test', 'a.test, federation-of-a.test', 'its own certificate'],
    ['federation-of-a.test', 'a.test, federation-of-a.test', 'its own certificate'],
    ['d.b.test', '*.b.test', 'the other servers’ are the same on both'],
    ['c.b.test', 'c.b.test', 'the other servers’ are the same on both'],
  ])('%j gets the certificate for %s (%s)', async (servername, expected) => {
    expect(await names('federation', servername)).toBe(expected);
  });

  it('clients without SNI get the federation certificate of the first server', async () => {
    expect(await names('federation', '')).toBe('a.test, federation-of-a.test');
  });
});

it('the chain verifies, by name, against the root that signed it', async () => {
  const verified = (servername: string): Promise<Met | string> =>
    meet('https', servername, { ca: root.certPem, rejectUnauthorized: true });
  expect(await verified('d.b.test')).toMatchObject({ names: '*.b.test' });
  expect(await verified('unknown.test')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

describe.each(['https', 'federation'] as const)('TLS versions on the %s port', (on) => {
  // Security level 0, so that the client itself would do the old versions.
  const only = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): ConnectionOptions => ({
    minVersion: version,
    maxVersion: version,
    ciphers: 'ALL:@SECLEVEL=0',
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken', async (version) => {
    expect(await meet(on, 'a.test', only(version))).toMatchObject({ version });
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
    expect(await meet(on, 'a.test', only(version))).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });
});
