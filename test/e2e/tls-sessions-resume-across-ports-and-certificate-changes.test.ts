import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSchedule } from '../../src/tls/ticket-key-schedule.ts';
import { TICKET_KEY_LIFETIME, TICKET_KEYS_KEY } from '../../src/tls/ticket-keys.ts';
import { createLeapingSystem } from '../harness/leaping-system.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { type TlsVersion, type TlsVisit, visitOverTls } from '../harness/tls-visit.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';

let folder: string;
let root: Made;
let upstream: TestUpstream;
let sidecar: TestSidecar;
let yaml: string;
/** So that keys change when the test says so. */
const system = createLeapingSystem(1_000);

/** Puts the clock forward to after the next change of keys, and waits until the one after it is published. */
async function changeKeys(): Promise<void> {
  const at = join(sidecar.folder, 'certs', TICKET_KEYS_KEY);
  const from = async (): Promise<number> =>
    readSchedule(await readFile(at).catch(() => Buffer.alloc(0)))?.next.from ?? 0;
  await until('the next key is published', async () => (await from()) > system.now());
  system.leap(TICKET_KEY_LIFETIME);
  // What was left to the change by then, by the clock's whole milliseconds, has a real timer.
  await pause(50);
  system.leap(20_000);
  await until('the next key is published', async () => (await from()) > system.now());
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickets-'));
  root = makeCertificate({ commonName: 'root', ca: true });
  upstream = await startHttpUpstream((_request, response) => response.end('{}'));
  await put(makeEcCertificate(['localhost', 'a.test'], root));
  const at = (name: string): string => JSON.stringify(join(folder, name));
  yaml = `certificates: files
servers: [{ server_name: localhost, homeserver: "${upstream.url}", certificate: { cert: ${at('cert.pem')}, key: ${at('key.pem')} } }]`;
  sidecar = await startTestSidecar(yaml, { system });
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

async function put(made: Made): Promise<void> {
  for (const [name, content] of [
    ['key.pem', made.keyPem],
    ['cert.pem', made.certPem],
  ] as const) {
    await writeFile(join(folder, `${name}.new`), content);
    await rename(join(folder, `${name}.new`), join(folder, name));
  }
}

/** One request on a new connection, with the session of an earlier one if there is one. */
const visit = (
  version: TlsVersion,
  on: 'https' | 'federation',
  session?: Buffer,
  servername?: string,
): Promise<TlsVisit> => visitOverTls(sidecar[on], root.certPem, version, session, servername);

/** What a later visit with an earlier one's session is: resumed or not; fails where it is not answered. */
async function again(...more: Parameters<typeof visit>): Promise<boolean> {
  const { resumed, answered } = await visit(...more);
  expect(answered).toBe(true);
  return resumed;
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  it('resumes on the same port and on the other one', async () => {
    const { session, resumed, answered } = await visit(version, 'https');
    expect([resumed, answered]).toEqual([false, true]);
    expect(await again(version, 'https', session)).toBe(true);
    expect(await again(version, 'federation', session)).toBe(true);
    const other = await visit(version, 'federation');
    expect(await again(version, 'https', other.session)).toBe(true);
  });

  it('resumes for clients that name no server, or one that has no certificate', async () => {
    for (const name of ['', 'unknown.test']) {
      const { session } = await visit(version, 'https', undefined, name);
      expect(await again(version, 'federation', session, name)).toBe(true);
    }
  });

  it('resumes after the certificate was changed by a reload', async () => {
    const { session } = await visit(version, 'https');
    await put(makeEcCertificate(['localhost', 'a.test'], root));
    await sidecar.reload(yaml);
    expect(await again(version, 'https', session)).toBe(true);
    expect(await again(version, 'federation', session)).toBe(true);
  });

  it('starts anew, and does not fail, after the ticket keys were changed', async () => {
    const { session } = await visit(version, 'https');
    system.leap(TICKET_KEY_LIFETIME / 4);
    expect(await again(version, 'https', session)).toBe(true);
    await changeKeys();
    expect(await again(version, 'https', session)).toBe(false);
    expect(await again(version, 'federation', session)).toBe(false);
    const fresh = await visit(version, 'federation');
    expect(await again(version, 'https', fresh.session)).toBe(true);
  });

  it('keeps the keys of after a change when the certificate changes', async () => {
    await changeKeys();
    const { session } = await visit(version, 'https');
    await sidecar.reload(yaml);
    expect(await again(version, 'https', session)).toBe(true);
  });
});
