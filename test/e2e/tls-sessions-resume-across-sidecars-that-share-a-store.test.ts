import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSchedule } from '../../src/tls/ticket-key-schedule.ts';
import { TICKET_KEY_LIFETIME, TICKET_KEYS_KEY } from '../../src/tls/ticket-keys.ts';
import { createLeapingSystem, type LeapingSystem } from '../harness/leaping-system.ts';
import { startServe } from '../harness/process.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { type TlsVersion, type TlsVisit, visitOverTls } from '../harness/tls-visit.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let folder: string;
let upstream: TestUpstream;
let yaml: string;
const running: TestSidecar[] = [];

beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => response.end('{}'));
  yaml = `servers: [{ server_name: localhost, homeserver: "${upstream.url}" }]`;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((sidecar) => sidecar.close()));
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => upstream?.close());

async function start(system?: LeapingSystem): Promise<TestSidecar> {
  if (running.length === 0) folder = await mkdtemp(join(tmpdir(), 'shared-tickets-'));
  const sidecar = await startTestSidecar(yaml, { folder, ...(system && { system }) });
  running.push(sidecar);
  return sidecar;
}

const keysFile = (): string => join(folder, 'certs', TICKET_KEYS_KEY);
const readKeys = async () => readSchedule(await readFile(keysFile()).catch(() => Buffer.alloc(0)));

function visit({ https, ca }: { https: number; ca: string }, session?: Buffer, version: TlsVersion = 'TLSv1.3') {
  return visitOverTls(https, ca, version, session);
}

/** Whether a session of one is resumed by the other; asked until it is, since sharing goes on beside serving. */
async function untilResumed(from: TestSidecar, at: TestSidecar, version: TlsVersion = 'TLSv1.3'): Promise<void> {
  let last: TlsVisit | undefined;
  await until('a session of one is resumed by the other', async () => {
    const { session } = await visit(from, undefined, version);
    last = await visit(at, session, version);
    return last.resumed;
  });
  expect(last?.answered).toBe(true);
}

describe('TLS sessions resume', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('at the other of two sidecars, both ways, with %s', async (version) => {
    const [one, two] = [await start(), await start()];
    await untilResumed(one, two, version);
    await untilResumed(two, one, version);
  });

  it('after a restart of the process', async () => {
    folder = await mkdtemp(join(tmpdir(), 'shared-tickets-'));
    const first = await startServe(yaml, folder);
    await until('the keys are stored', async () => (await readKeys()) !== undefined);
    const { session } = await visit(first);
    await first.close();
    const second = await startServe(yaml, folder);
    try {
      expect(await visit(second, session)).toMatchObject({ resumed: true, answered: true });
      expect(second.stdout()).not.toContain((await readKeys())!.current.bytes.toString('base64'));
    } finally {
      await second.close();
    }
  });

  it('at the other one again after the keys were changed, and not with those from before', async () => {
    const system = createLeapingSystem(1_000);
    const [one, two] = [await start(system), await start(system)];
    await untilResumed(one, two);
    const old = await visit(one);
    const { next } = (await readKeys())!;
    system.leap(TICKET_KEY_LIFETIME);
    expect(await visit(one, old.session)).toMatchObject({ resumed: false, answered: true });
    // At once: nobody had to ask the store.
    const { session } = await visit(one);
    expect(await visit(two, session)).toMatchObject({ resumed: true, answered: true });
    system.leap(20_000);
    await until('the next one is published', async () => (await readKeys())?.current.bytes.equals(next.bytes) === true);
    expect((await stat(keysFile())).mode & 0o777).toBe(0o600);
    await untilResumed(two, one);
  });

  it('when the stored keys were damaged, with a warning', async () => {
    const [one, two] = [await start(), await start()];
    await untilResumed(one, two);
    await writeFile(keysFile(), 'this is no key\n');
    await until('they are replaced', async () => (await readKeys()) !== undefined);
    await untilResumed(one, two);
    const warnings = running.flatMap(({ logged }) => logged.filter(({ level }) => level === 'warn'));
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings[0]!.sentence).toContain(`${keysFile()} are damaged; they are replaced by new ones.`);
  });

  it('in one process all the same when the store cannot hold them, which is said once', async () => {
    folder = await mkdtemp(join(tmpdir(), 'shared-tickets-'));
    const first = await startTestSidecar(yaml, { folder });
    await first.close();
    // A file where a folder should be: not even root writes there.
    await rm(join(folder, 'certs/tls'), { recursive: true, force: true });
    await writeFile(join(folder, 'certs/tls'), '');
    const second = await startTestSidecar(yaml, { folder });
    running.push(second);
    await until('it is said', () => second.logged.some(({ sentence }) => sentence.includes('by this process alone')));
    const { session } = await visit(second);
    expect(await visit(second, session)).toMatchObject({ resumed: true, answered: true });
    expect(second.logged.filter(({ sentence }) => sentence.includes('TLS sessions'))).toHaveLength(1);
  });
});
