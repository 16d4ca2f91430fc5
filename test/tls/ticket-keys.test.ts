import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFileStore } from '../../src/store/files.ts';
import { createCertificateSet } from '../../src/tls/certificate-set.ts';
import { readSchedule, writeSchedule } from '../../src/tls/ticket-key-schedule.ts';
import { createTicketKeys, TICKET_KEYS_KEY, type TicketKeyStore, type TicketKeys } from '../../src/tls/ticket-keys.ts';
import { createMemoryStore } from '../acme/solvers/memory-store.ts';
import { shake, startServer, type TestServer } from './handshake.ts';
import { makeCertificate, read } from './make-certificate.ts';
import { createManualSystem, type ManualSystem } from './manual-system.ts';
import { createRecordingLog, type RecordingLog } from './recording-log.ts';

const PERIOD = 200_000;
/** Until whoever publishes has done so. */
const SOON = 20_000;

const running: TestServer[] = [];
const opened: TicketKeys[] = [];
afterEach(async () => {
  for (const keys of opened.splice(0)) await keys.close();
  for (const server of running.splice(0)) await server.close();
});

interface Replica {
  readonly keys: TicketKeys;
  readonly log: RecordingLog;
  /** The key in use, as hex. */
  now(): string;
}

function open(system: ManualSystem, store?: TicketKeyStore): Replica {
  const log = createRecordingLog();
  const keys = createTicketKeys({ rotateEvery: PERIOD }, { system, log });
  opened.push(keys);
  if (store !== undefined) keys.shareThrough(store);
  return { keys, log, now: () => keys.current().toString('hex') };
}

const createShared = (): ReturnType<typeof createMemoryStore> & TicketKeyStore =>
  Object.assign(createMemoryStore(), { where: (key: string) => `memory:${key}` });

describe('without a store', () => {
  it('keys are 48 random bytes, and others after every period', async () => {
    const system = createManualSystem();
    const { keys } = open(system);
    const seen = [keys.current()];
    keys.onRotate((next) => seen.push(next));
    await system.advance(PERIOD - 1);
    expect(seen).toHaveLength(1);
    await system.advance(1);
    await system.advance(2 * PERIOD);
    expect(seen).toHaveLength(4);
    expect(new Set(seen.map((one) => one.toString('hex'))).size).toBe(4);
    expect(seen.every(({ length }) => length === 48)).toBe(true);
    expect(keys.current()).toBe(seen[3]);
  });

  it('nothing is called after it was unsubscribed or closed, and closing twice is fine', async () => {
    const system = createManualSystem();
    const { keys } = open(system);
    let calls = 0;
    const stop = keys.onRotate(() => {
      calls += 1;
    });
    await system.advance(PERIOD);
    stop();
    await system.advance(PERIOD);
    expect(calls).toBe(1);
    await keys.close();
    await keys.close();
    expect(system.pending()).toBe(0);
  });
});

describe('through a store', () => {
  it('all that begin at once end up with the same keys', async () => {
    const system = createManualSystem();
    const store = createShared();
    const replicas = [open(system, store), open(system, store), open(system, store)];
    await system.advance(0);
    expect(new Set(replicas.map(({ now }) => now())).size).toBe(1);
    expect(readSchedule(store.values.get(TICKET_KEYS_KEY)!)?.current.bytes).toEqual(replicas[0]!.keys.current());
  });

  it('all change over in the same instant, period after period, and a key is stored no longer than it is used', async () => {
    const system = createManualSystem();
    const store = createShared();
    const replicas = [open(system, store), open(system, store)];
    await system.advance(0);
    await system.advance(SOON);
    const seen = new Set<string>();
    for (let period = 0; period < 4; period += 1) {
      const before = replicas[0]!.now();
      expect(seen.has(before)).toBe(false);
      seen.add(before);
      await system.advance(PERIOD - SOON - 1);
      expect(replicas.map(({ now }) => now())).toEqual([before, before]);
      await system.advance(1);
      const after = replicas[0]!.now();
      expect(after).not.toBe(before);
      expect(replicas[1]!.now()).toBe(after);
      await system.advance(SOON);
      const stored = store.values.get(TICKET_KEYS_KEY)!;
      expect(readSchedule(stored)?.current.bytes.toString('hex')).toBe(after);
      expect(stored.includes(Buffer.from(before, 'hex').toString('base64'))).toBe(false);
    }
  });

  it('whoever starts later has them too, and so has whoever starts after all have ended', async () => {
    const system = createManualSystem();
    const store = createShared();
    const first = open(system, store);
    await system.advance(PERIOD / 2);
    expect(open(system).now()).not.toBe(first.now());
    const second = open(system, store);
    await system.advance(0);
    expect(second.now()).toBe(first.now());
    for (const keys of opened.splice(0)) await keys.close();
    expect(system.pending()).toBe(0);
    const third = open(system, store);
    await system.advance(0);
    expect(third.now()).toBe(first.now());
  });

  it('keys whose time is over since long are not used again', async () => {
    const system = createManualSystem();
    const store = createShared();
    const first = open(system, store);
    await system.advance(0);
    await first.keys.close();
    const old = readSchedule(store.values.get(TICKET_KEYS_KEY)!)!;
    await system.advance(3 * PERIOD);
    const later = open(system, store);
    await system.advance(0);
    expect([old.current.bytes, old.next.bytes].map((one) => one.toString('hex'))).not.toContain(later.now());
    expect(readSchedule(store.values.get(TICKET_KEYS_KEY)!)?.current.bytes.toString('hex')).toBe(later.now());
  });

  it('a damaged value is replaced, once, with a warning that says where and no key', async () => {
    const system = createManualSystem();
    const store = createShared();
    const replica = open(system, store);
    await system.advance(0);
    const whole = store.values.get(TICKET_KEYS_KEY)!;
    await store.write(TICKET_KEYS_KEY, whole.subarray(0, 100));
    await system.advance(PERIOD / 2);
    expect(readSchedule(store.values.get(TICKET_KEYS_KEY)!)?.current.bytes.toString('hex')).toBe(replica.now());
    expect(replica.log.lines).toEqual([
      `warn The TLS session keys in memory:${TICKET_KEYS_KEY} are damaged; they are replaced by new ones.`,
    ]);
  });

  it('while the store is away the known keys are used up, then own ones; when it is back all are the same again', async () => {
    const system = createManualSystem();
    const store = createShared();
    const replicas = [open(system, store), open(system, store)] as const;
    await system.advance(0);
    await system.advance(SOON);
    const next = readSchedule(store.values.get(TICKET_KEYS_KEY)!)!.next.bytes.toString('hex');
    store.broken = new Error('the store is away');
    await system.advance(PERIOD - SOON);
    expect(replicas.map(({ now }) => now())).toEqual([next, next]);
    await system.advance(PERIOD - 1);
    expect(replicas.map(({ now }) => now())).toEqual([next, next]);
    await system.advance(1);
    const alone = replicas.map(({ now }) => now());
    expect(new Set([...alone, next]).size).toBe(3);
    await system.advance(PERIOD);
    expect(alone).not.toContain(replicas[0].now());
    store.broken = undefined;
    await system.advance(60_000 + SOON);
    expect(replicas[0].now()).toBe(replicas[1].now());
    for (const { log } of replicas) {
      expect(log.lines).toEqual([
        'info TLS sessions are resumed by this process alone for the moment. the store is away',
        'info TLS sessions are shared through the store again.',
      ]);
    }
  });

  it('an empty store that cannot be written to leaves own keys, which change as well', async () => {
    const system = createManualSystem();
    const folder = await mkdtemp(join(tmpdir(), 'ticket-keys-'));
    try {
      await chmod(folder, 0o500);
      const { write, ...store } = createFileStore(folder, { system });
      // Root writes where nobody may.
      const refuse = (key: string): Promise<void> => Promise.reject(new Error(`cannot write ${key}`));
      const replica = open(system, { ...store, write: process.getuid?.() === 0 ? refuse : write });
      await system.advance(SOON);
      const before = replica.now();
      await system.advance(PERIOD);
      expect(replica.now()).not.toBe(before);
      expect(replica.log.lines).toEqual([expect.stringContaining('resumed by this process alone')]);
      await store.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('whoever can read but not write uses what others publish', async () => {
    const system = createManualSystem();
    const store = createShared();
    const writer = open(system, store);
    await system.advance(0);
    const reader = open(system, { ...store, write: () => Promise.reject(new Error('read-only')) });
    for (let period = 0; period < 3; period += 1) {
      await system.advance(PERIOD);
      expect(reader.now()).toBe(writer.now());
      await system.advance(SOON);
    }
  });

  it('a clock that is ahead by days, or behind, does not part the replicas or make them write without end', async () => {
    const system = createManualSystem();
    const store = createShared();
    let writes = 0;
    const counting: TicketKeyStore = {
      ...store,
      write(key, bytes) {
        writes += 1;
        return store.write(key, bytes);
      },
    };
    const shifted = (by: number): ManualSystem => ({ ...system, now: () => system.now() + by });
    const replicas = [0, 3 * 86_400_000, -3 * 86_400_000].map((by) => open(shifted(by), counting));
    await system.advance(SOON);
    for (let step = 0; step < 20; step += 1) {
      await system.advance(PERIOD / 4);
      // Where they are parted, then until the one that is ahead has published.
      if (new Set(replicas.map(({ now }) => now())).size > 1) await system.advance(SOON);
      expect(new Set(replicas.map(({ now }) => now())).size).toBe(1);
    }
    expect(writes).toBeLessThan(30);
  });

  it('a clock that is set back keeps no key in use for ever', async () => {
    const system = createManualSystem();
    const store = createShared();
    let back = 0;
    const replica = open({ ...system, now: () => system.now() - back }, store);
    await system.advance(SOON);
    const before = replica.now();
    back = 30 * 86_400_000;
    await system.advance(PERIOD + 300_000 + SOON);
    expect(replica.now()).not.toBe(before);
    expect(readSchedule(store.values.get(TICKET_KEYS_KEY)!)?.current.bytes.toString('hex')).toBe(replica.now());
  });

  it('after a change of stores the keys are those of the new one, and the old one is left alone', async () => {
    const system = createManualSystem();
    const [old, fresh] = [createShared(), createShared()];
    const other = open(system, fresh);
    const replica = open(system, old);
    await system.advance(0);
    expect(replica.now()).not.toBe(other.now());
    replica.keys.shareThrough(fresh);
    await system.advance(0);
    expect(replica.now()).toBe(other.now());
    const left = old.values.get(TICKET_KEYS_KEY)!;
    const foreign = { bytes: Buffer.alloc(48, 7), from: system.now() };
    await old.write(
      TICKET_KEYS_KEY,
      writeSchedule({ current: foreign, next: { bytes: Buffer.alloc(48, 8), from: foreign.from + PERIOD } }),
    );
    await system.advance(3 * PERIOD);
    expect(replica.now()).toBe(other.now());
    expect(old.values.get(TICKET_KEYS_KEY)).not.toEqual(left);
    expect(readSchedule(old.values.get(TICKET_KEYS_KEY)!)?.current).toEqual(foreign);
  });

  it('in a store of files only their owner can read them', async () => {
    const system = createManualSystem();
    const folder = await mkdtemp(join(tmpdir(), 'ticket-keys-'));
    const store = createFileStore(folder, { system });
    try {
      const replica = open(system, store);
      await system.advance(0);
      const path = store.where(TICKET_KEYS_KEY);
      await vi.waitFor(() => stat(path), 10_000);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(readSchedule((await store.read(TICKET_KEYS_KEY))!)?.current.bytes.toString('hex')).toBe(replica.now());
    } finally {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('a session of one listener is resumed by another, and after a change of keys by none, with a full handshake', async () => {
  const system = createManualSystem();
  const { keys } = open(system);
  const certificate = read(makeCertificate({ names: ['x.test'] }));
  const set = createCertificateSet([certificate]);
  for (let count = 0; count < 2; count += 1) running.push(await startServer(() => set, { ticketKeys: keys.current() }));
  for (const { server } of running) keys.onRotate((next) => server.setTicketKeys(next));
  const [first, second] = running.map(({ port }) => port) as [number, number];

  const trust = { servername: 'x.test', ca: certificate.chainPem };
  const socket = await shake(first, trust);
  const ticket = once(socket, 'session');
  socket.write('x');
  const [session] = (await ticket) as [Buffer];
  socket.destroy();
  const again = await shake(second, { ...trust, session });
  expect(again.isSessionReused()).toBe(true);
  again.destroy();

  await system.advance(PERIOD);
  const fresh = await shake(second, { ...trust, session });
  expect(fresh.isSessionReused()).toBe(false);
  fresh.destroy();
});
