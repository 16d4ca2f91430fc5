import { afterEach, describe, expect, it } from 'vitest';
import type { Matter } from '../../../src/app/announcer.ts';
import { createHomeserverWatch, type HomeserverWatch } from '../../../src/app/homeserver-watch.ts';
import type { Runtime } from '../../../src/app/runtime.ts';
import type { UpstreamPool } from '../../../src/base/address.ts';
import type { System } from '../../../src/base/system.ts';
import { readConfig } from '../../app/test-config.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { createRecordingLog } from '../../tls/recording-log.ts';

const MINUTE = 60_000;
let watch: HomeserverWatch;
afterEach(() => watch.close());

interface Ground {
  readonly runtime: Runtime;
  matters(): readonly Matter[];
}

/** Homeservers that are asked by `probe`, and of which no hold knows anything. */
function start(count: number, system: System, probe: () => Promise<boolean>): Ground {
  const servers = Array.from({ length: count }, (_, at) => `{ server_name: s${at}.test, homeserver: "http://h${at}" }`);
  const config = readConfig(`servers: [${servers.join(', ')}]`);
  const runtime = {
    config,
    connectionsTo: () => ({ probe }),
    holdOf: () => ({ status: { awaySince: undefined } }),
    lastGoodOf: () => undefined,
    workers: { list: () => [] },
  } as unknown as Runtime;
  let told: readonly Matter[] = [];
  const board = {
    put(_watch: string, next: readonly Matter[]): void {
      told = next;
    },
  };
  const log = createRecordingLog();
  watch = createHomeserverWatch({ system, log, runtime: () => runtime, board: () => board });
  return { runtime, matters: () => told };
}

const homeserverOf = ({ config }: Runtime): UpstreamPool => config.servers[0]!.homeserver;

describe('the watch over homeservers', () => {
  it('asks a few of many at a time, and all of them', async () => {
    const system = createManualSystem();
    const seen = { now: 0, most: 0, all: 0 };
    start(1_000, system, async () => {
      seen.all++;
      seen.most = Math.max(seen.most, ++seen.now);
      await new Promise((resolve) => setImmediate(resolve));
      seen.now--;
      return true;
    });
    await system.advance(MINUTE / 2);
    expect(seen.all).toBe(1_000);
    expect(seen.most).toBeLessThanOrEqual(50);
  });

  it('takes no absence for a long one because the machine slept in the middle of it', async () => {
    const manual = createManualSystem();
    let slept = 0;
    const system: System = {
      ...manual,
      now: () => manual.now() + slept,
      monotonic: () => manual.monotonic() + slept,
    };
    const { matters } = start(1, system, async () => false);
    await manual.advance(MINUTE);
    slept = 8 * 60 * MINUTE;
    await manual.advance(2 * MINUTE);
    expect(matters().flatMap(({ active }) => active ?? [])).toEqual([]);
    await manual.advance(5 * MINUTE);
    expect(matters().flatMap(({ active }) => active?.message ?? [])).toEqual([
      expect.stringMatching(/ has been down for [5-7] minutes\./),
    ]);
  });

  it('knows of one that is away before any request has met that, so that nobody is told of the way to it', async () => {
    const system = createManualSystem();
    let here = true;
    const { runtime } = start(1, system, async () => here);
    await system.advance(2 * MINUTE);
    expect(watch.isAway(homeserverOf(runtime))).toBe(false);
    here = false;
    await system.advance(MINUTE / 2);
    expect(watch.isAway(homeserverOf(runtime))).toBe(true);
    here = true;
    await system.advance(2 * MINUTE);
    expect(watch.isAway(homeserverOf(runtime))).toBe(false);
  });
});
