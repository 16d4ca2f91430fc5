import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActiveWarning, Matter } from '../../src/app/announcer.ts';
import type { Seen } from '../../src/app/look-record.ts';
import { createOutsideWatch, type OutsideWatch } from '../../src/app/outside-watch.ts';
import type { Config } from '../../src/config/config.ts';
import type { Lease } from '../../src/store/store.ts';
import { createManualSystem, type ManualSystem } from '../tls/manual-system.ts';
import { createRecordingLog, type RecordingLog } from '../tls/recording-log.ts';
import { readConfig } from './test-config.ts';

const MINUTE = 60_000;
const BAD: Seen = { kind: 'bad', message: 'It is wrong.', fix: 'Do it.', sure: true };
const config = readConfig(`servers:
  - { server_name: a.test, homeserver: "http://a", delegate_to: "m.a.test:443", apex: elsewhere }
  - { server_name: b.test, homeserver: "http://b" }`);

let store: SharedStore;
let system: ManualSystem;
let seen: Seen;
/** Every look, by what was looked at. */
let looks: string[];
let away: boolean;
const running: OutsideWatch[] = [];

/** As far as a watch needs one, in memory: the clock of these tests does not wait for a disk. */
interface SharedStore {
  read(key: string): Promise<Buffer | undefined>;
  write(key: string, bytes: Uint8Array): Promise<void>;
  acquireLease(name: string): Promise<Lease | undefined>;
}

function createSharedStore(): SharedStore {
  const values = new Map<string, Buffer>();
  let taken = false;
  return {
    read: async (key) => values.get(key),
    async write(key, bytes) {
      values.set(key, Buffer.from(bytes));
    },
    async acquireLease(name) {
      if (taken) return undefined;
      taken = true;
      const release = async (): Promise<void> => {
        taken = false;
      };
      const { signal } = new AbortController();
      return { name, generation: 1, lost: signal, write: async () => {}, release };
    },
  };
}

beforeEach(() => {
  store = createSharedStore();
  system = createManualSystem(undefined, () => new Promise((resolve) => setTimeout(resolve, 3)));
  seen = { kind: 'good' };
  looks = [];
  away = false;
});
afterEach(() => {
  for (const watch of running.splice(0)) void watch.close();
});

interface Started {
  readonly watch: OutsideWatch;
  readonly log: RecordingLog;
  active(): readonly ActiveWarning[];
}

/** One process. All of a test share a store. */
function start(used: SharedStore = store, of: Config = config): Started {
  const log = createRecordingLog();
  let matters: readonly Matter[] = [];
  const watch = createOutsideWatch({
    ...{ system, log, config: () => of, store: () => used, isAway: () => away },
    board: () => ({
      put(_watch, next) {
        matters = next;
      },
    }),
    async look({ id }) {
      looks.push(id);
      return seen;
    },
  });
  running.push(watch);
  return { watch, log, active: () => matters.flatMap(({ active }) => active ?? []) };
}

it('the end waits for what is being stored, and nothing is stored after it', async () => {
  const written: string[] = [];
  const disk = Promise.withResolvers<void>();
  const slow = {
    ...store,
    async write(key: string) {
      await disk.promise;
      written.push(key);
    },
  };
  const { watch } = start(slow);
  await system.advance(5 * MINUTE + 1);
  expect([looks.length, written.length]).toEqual([3, 0]);
  let closed = false;
  const closing = watch.close().then(() => {
    closed = true;
  });
  await system.advance(MINUTE);
  expect(closed).toBe(false);
  disk.resolve();
  await closing;
  expect(written).toHaveLength(3);
  await system.advance(120 * MINUTE);
  expect([looks.length, written.length]).toEqual([3, 3]);
});

describe('looking from outside', () => {
  it('begins some minutes after the start, at federation of all and at the apex elsewhere, and goes on each hour', async () => {
    const { active, log } = start();
    await system.advance(3 * MINUTE - 1);
    expect(looks).toEqual([]);
    await system.advance(3 * MINUTE);
    expect(looks.toSorted()).toEqual(['apex-a.test', 'federation-a.test', 'federation-b.test']);
    await system.advance(45 * MINUTE);
    expect(looks).toHaveLength(3);
    await system.advance(25 * MINUTE);
    expect(looks).toHaveLength(6);
    expect([active(), log.at('error')]).toEqual([[], []]);
  });

  it('tells what was seen twice, with what to do, and once that it is over', async () => {
    const { active, log } = start();
    seen = BAD;
    await system.advance(6 * MINUTE);
    expect(active()).toEqual([]);
    await system.advance(7 * MINUTE);
    expect(active().map(({ id, about, level, fix }) => [id, about, level, fix])).toEqual([
      ['federation-a.test', 'federation', 'broken', 'Do it.'],
      ['apex-a.test', 'apex', 'drifted', 'Do it.'],
      ['federation-b.test', 'federation', 'broken', 'Do it.'],
    ]);
    seen = { kind: 'good' };
    await system.advance(30 * MINUTE);
    expect(active()).toEqual([]);
    expect([log.at('error').length, log.at('info').length]).toEqual([3, 3]);
  });

  it('is done by one for all who share a store, and all know what was seen', async () => {
    const all = [start(), start(), start()];
    seen = BAD;
    await system.advance(20 * MINUTE);
    expect(all.map(({ active }) => active().length)).toEqual([3, 3, 3]);
    const counted = new Map<string, number>();
    for (const id of looks) counted.set(id, (counted.get(id) ?? 0) + 1);
    expect([...counted.values()].every((count) => count <= 3)).toBe(true);
  });

  it('is not begun anew by a restart, and what holds is known to whoever comes next', async () => {
    const first = start();
    seen = BAD;
    await system.advance(12 * MINUTE);
    expect(first.active()).toHaveLength(3);
    const before = looks.length;
    await first.watch.close();
    const second = start();
    await system.advance(5.5 * MINUTE);
    expect(second.active()).toHaveLength(3);
    expect(looks.length - before).toBeLessThanOrEqual(3);
  });

  it('goes on without a store that works', async () => {
    const broken = async (): Promise<never> => {
      throw new Error('the disk is full');
    };
    const { active } = start({ read: broken, write: broken, acquireLease: broken });
    seen = BAD;
    await system.advance(13 * MINUTE);
    expect(active()).toHaveLength(3);
  });

  it('does not blame the way while the homeserver is away', async () => {
    const { active } = start();
    away = true;
    seen = BAD;
    await system.advance(30 * MINUTE);
    expect(active().map(({ about }) => about)).toEqual(['apex']);
  });

  it('is bounded where there are many servers', async () => {
    const many = Array.from({ length: 60 }, (_, n) => `{ server_name: s${n}.test, homeserver: "http://a" }`);
    start(store, readConfig(`servers: [${many.join(', ')}]`));
    await system.advance(3 * MINUTE);
    for (let minute = 0; minute < 5 && looks.length === 0; minute++) await system.advance(MINUTE / 2);
    expect(looks.length).toBeLessThanOrEqual(24);
    await system.advance(5 * MINUTE);
    expect(new Set(looks).size).toBe(60);
  });

  it('ends with the sidecar', async () => {
    const { watch } = start();
    await watch.close();
    await system.advance(120 * MINUTE);
    expect([looks, system.pending()]).toEqual([[], 0]);
  });
});
