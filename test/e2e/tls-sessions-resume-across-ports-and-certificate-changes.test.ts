import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realSystem, type System, type Timer } from '../../src/base/system.ts';
import { TICKET_KEY_LIFETIME } from '../../src/tls/ticket-keys.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';

let folder: string;
let root: Made;
let upstream: TestUpstream;
let sidecar: TestSidecar;
let yaml: string;
const due = new Map<Timer, { at: number; fn: () => void }>();
let time = 0;

/** The real machine, but for timers of an hour and more, which the test fires. */
const system: System = {
  ...realSystem,
  setTimer(ms, fn) {
    if (ms < 3_600_000) return realSystem.setTimer(ms, fn);
    const timer: Timer = { cancel: () => void due.delete(timer) };
    due.set(timer, { at: time + ms, fn });
    return timer;
  },
};

function advance(ms: number): number {
  time += ms;
  let fired = 0;
  for (const [timer, { at, fn }] of [...due]) {
    if (at > time) continue;
    due.delete(timer);
    fn();
    fired++;
  }
  return fired;
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

interface Visit {
  readonly resumed: boolean;
  readonly answered: boolean;
  readonly session: Buffer;
}

/** One request on a new connection, with the session of an earlier one if there is one. */
function visit(
  version: 'TLSv1.2' | 'TLSv1.3',
  on: 'https' | 'federation',
  session?: Buffer,
  servername = 'localhost',
): Promise<Visit> {
  return new Promise((resolve, reject) => {
    let newest: Buffer | undefined;
    let text = '';
    let resumed = false;
    const socket = connectTls({
      host: '127.0.0.1',
      port: sidecar[on],
      servername,
      ca: root.certPem,
      checkServerIdentity: () => undefined,
      minVersion: version,
      maxVersion: version,
      ...(session && { session }),
    });
    socket.on('session', (ticket: Buffer) => {
      newest = ticket;
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.once('secureConnect', () => {
      resumed = socket.isSessionReused();
      socket.write('GET /_matrix/key/v2/server HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.once('error', reject);
    socket.once('close', () => {
      resolve({ resumed, answered: text.startsWith('HTTP/1.1 200 '), session: newest ?? session ?? Buffer.alloc(0) });
    });
  });
}

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
    expect(advance(TICKET_KEY_LIFETIME - 1)).toBe(0);
    expect(await again(version, 'https', session)).toBe(true);
    expect(advance(1)).toBeGreaterThan(0);
    expect(await again(version, 'https', session)).toBe(false);
    expect(await again(version, 'federation', session)).toBe(false);
    const fresh = await visit(version, 'federation');
    expect(await again(version, 'https', fresh.session)).toBe(true);
  });

  it('keeps the keys of after a change when the certificate changes', async () => {
    advance(TICKET_KEY_LIFETIME);
    const { session } = await visit(version, 'https');
    await sidecar.reload(yaml);
    expect(await again(version, 'https', session)).toBe(true);
  });
});
