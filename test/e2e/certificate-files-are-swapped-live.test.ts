import { X509Certificate } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { askHttp2, openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { makePkcs12 } from '../tls/make-pkcs12.ts';

let folder: string;
let upstream: TestUpstream;
let sidecar: TestSidecar;
let root: Made;
const cert = (): string => join(folder, 'cert.pem');
const key = (): string => join(folder, 'key.pem');
const p12 = (): string => join(folder, 'b.p12');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swap-'));
  root = makeCertificate({ commonName: 'root', ca: true });
  upstream = await startHttpUpstream((_request, response) => response.end('{}'));
  await put(makeEcCertificate(['localhost', 'first.test'], root));
  await putPkcs12(makeEcCertificate(['b.test', 'first-b.test'], root));
  sidecar = await startTestSidecar(
    `certificates: files
servers:
  - server_name: localhost
    homeserver: "${upstream.url}"
    certificate: { cert: ${JSON.stringify(cert())}, key: ${JSON.stringify(key())} }
  - server_name: b.test
    homeserver: "${upstream.url}"
    certificate: { pkcs12: ${JSON.stringify(p12())}, password: secret }
`,
    // Patience with files that are still being written, and polls, in a hurry.
    { system: { ...realSystem, monotonic: () => realSystem.monotonic() * 10, setTimer: hurry } },
  );
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

function hurry(ms: number, fn: () => void) {
  return realSystem.setTimer(ms <= 10_000 ? ms / 10 : ms, fn);
}

async function put(made: Made): Promise<void> {
  await replace(key(), made.keyPem);
  await replace(cert(), made.certPem);
}

function putPkcs12(made: Made): Promise<void> {
  return replace(p12(), makePkcs12(made.keyPem, [made], 'secret'));
}

async function replace(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

function names(servername = 'localhost', on: 'https' | 'federation' = 'https'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: '127.0.0.1', port: sidecar[on], servername, ca: root.certPem, ALPNProtocols: ['http/1.1'] },
      () => {
        resolve(new X509Certificate(socket.getPeerCertificate().raw).subjectAltName?.replaceAll('DNS:', '') ?? '');
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}

async function untilServed(expected: string, servername?: string): Promise<void> {
  let served = '';
  for (let attempt = 0; served !== expected; attempt++) {
    if (attempt > 400) throw new Error(`still ${served}, not ${expected}`);
    served = await names(servername);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('in use by a connection that goes on: it keeps the old one, new connections get the new one, on both ports', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: root.certPem });
  const sockets = new Set<unknown>();
  const askOnOne = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: sidecar.https, servername: 'localhost', agent, path: '/_matrix/x' };
      const sent = request(options, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      });
      sent.once('socket', (socket) => sockets.add(socket));
      sent.once('error', reject).end();
    });
  const session = openHttp2({ ...sidecar, ca: root.certPem });
  const askOnTwo = () => askHttp2(session, { ':path': '/_matrix/x', ':authority': 'localhost' });
  expect([await askOnOne(), (await askOnTwo()).status]).toEqual([200, 200]);
  expect(await names()).toBe('localhost, first.test');

  // Requests go on while the files change.
  let swapped = false;
  const busy = (async () => {
    let count = 0;
    while (!swapped) {
      expect([await askOnOne(), (await askOnTwo()).status]).toEqual([200, 200]);
      count++;
    }
    return count;
  })();
  await put(makeEcCertificate(['localhost', 'second.test'], root));
  await untilServed('localhost, second.test');
  expect(await names('localhost', 'federation')).toBe('localhost, second.test');
  swapped = true;
  expect(await busy).toBeGreaterThan(0);
  expect([await askOnOne(), (await askOnTwo()).status]).toEqual([200, 200]);
  expect(sockets.size).toBe(1);
  expect(session.destroyed).toBe(false);
  session.close();
  agent.destroy();
});

it('a bad new file never replaces a good one, is reported once, and a good one after it is taken', async () => {
  const good = await names();
  const warnings = (): unknown[] =>
    sidecar.logged.filter(({ level, sentence }) => level === 'warn' && /is not used/.test(sentence));
  const before = warnings().length;
  // The certificate of another name: whole, valid, and of no use here.
  await put(makeEcCertificate(['elsewhere.test'], root));
  await until('a warning', () => warnings().length > before);
  expect(await names()).toBe(good);
  // Touched again without a change: the same finding is not news.
  await replace(`${cert()}.other`, 'x');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(warnings().length).toBe(before + 1);
  await replace(cert(), 'not a certificate at all');
  await until('another warning, of another mistake', () => warnings().length > before + 1);
  expect(await names()).toBe(good);
  await put(makeEcCertificate(['localhost', 'third.test'], root));
  await untilServed('localhost, third.test');
});

it('a PKCS#12 file is swapped as well', async () => {
  expect(await names('b.test')).toBe('b.test, first-b.test');
  await putPkcs12(makeEcCertificate(['b.test', 'second-b.test'], root));
  await untilServed('b.test, second-b.test', 'b.test');
});
