import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActiveWarning, Matter } from '../../src/app/announcer.ts';
import { createHomeserverWatch, type HomeserverWatch } from '../../src/app/homeserver-watch.ts';
import { closeUpstreams, createRuntime, type Runtime } from '../../src/app/runtime.ts';
import { realSystem } from '../../src/base/system.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { pause } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { createManualSystem, type ManualSystem } from '../tls/manual-system.ts';
import { createRecordingLog, type RecordingLog } from '../tls/recording-log.ts';
import { readConfig } from './test-config.ts';

const MINUTE = 60_000;
let upstream: TestUpstream;
let well: boolean;
let system: ManualSystem;
let log: RecordingLog;
let runtime: Runtime;
let watch: HomeserverWatch;
let matters: readonly Matter[];

beforeEach(async () => {
  well = true;
  matters = [];
  upstream = await startHttpUpstream((_request, response) => {
    response.statusCode = well ? 200 : 503;
    response.end('{}');
  });
  system = createManualSystem(undefined, untilAnswered);
  log = createRecordingLog();
  const yaml = ['a', 'b'].map((name) => `{ server_name: ${name}.test, homeserver: "${upstream.url}" }`);
  runtime = createRuntime(readConfig(`servers: [${yaml.join(', ')}]`), {
    system: realSystem,
    log,
    metrics: createMetrics(),
  });
  const board = {
    put(_watch: string, next: readonly Matter[]): void {
      matters = next;
    },
  };
  watch = createHomeserverWatch({ system, log, runtime: () => runtime, board: () => board });
});
afterEach(async () => {
  watch.close();
  closeUpstreams(runtime);
  await upstream.close();
});

/** However long real sockets take: the clock moves on when all that was asked is answered. */
async function untilAnswered(): Promise<void> {
  const isBusy = (): boolean =>
    runtime.config.servers
      .flatMap(({ homeserver, rtc }) => (rtc === undefined ? [homeserver] : [homeserver, rtc.jwt, rtc.sfu]))
      .some((one) => runtime.connectionsTo(one).busy > 0);
  do await pause(2);
  while (isBusy());
}

const active = (): readonly ActiveWarning[] => matters.flatMap((matter) => matter.active ?? []);

describe('a homeserver', () => {
  it('that is there has nothing said of it', async () => {
    await system.advance(2 * MINUTE);
    expect([matters.length, active(), log.at('error')]).toEqual([1, [], []]);
  });

  it('that is down for five minutes is told of once, with all of its names, and when it is back for a minute', async () => {
    await system.advance(2 * MINUTE);
    const lost = system.now();
    well = false;
    await system.advance(5 * MINUTE);
    expect(active()).toEqual([]);
    await system.advance(MINUTE);
    expect(active()).toMatchObject([
      {
        ...{ about: 'homeserver', level: 'down', names: ['a.test', 'b.test'], since: lost + MINUTE / 2 },
        message: expect.stringMatching(
          /^The homeserver of a\.test, b\.test \(http:.*\) has been down for \d minutes\./,
        ),
        fix: expect.stringContaining('doctor'),
      },
    ]);
    well = true;
    await system.advance(MINUTE);
    expect(active()).toHaveLength(1);
    await system.advance(MINUTE);
    expect([active(), matters.length]).toEqual([[], 1]);
    expect(log.at('error')).toHaveLength(1);
    expect(log.lines.filter((line) => line.includes('is back'))).toHaveLength(1);
    expect(matters[0]!.assess({ level: 'down', announced: ['down'] }).warnings).toMatchObject([{ event: 'over' }]);
  });

  it('is looked at no more after the end', async () => {
    watch.close();
    await system.advance(10 * MINUTE);
    expect([upstream.accepted(), system.pending(), matters]).toEqual([0, 0, []]);
  });
});

it('a service for calls is looked at as a homeserver is', async () => {
  const closed = await startHttpUpstream(() => {});
  await closed.close();
  closeUpstreams(runtime);
  const rtc = `{ jwt: "${closed.url}", sfu: "${upstream.url}" }`;
  runtime = createRuntime(
    readConfig(`servers: [{ server_name: a.test, homeserver: "${upstream.url}", rtc: ${rtc} }]`),
    { system: realSystem, log, metrics: createMetrics() },
  );
  await system.advance(6 * MINUTE);
  expect(active().map(({ message }) => message)).toEqual([
    expect.stringMatching(/^The token service for calls of a\.test \(http:.*\) has been down for \d minutes\./),
  ]);
  expect(runtime.holdOf(runtime.config.servers[0]!.rtc!.jwt)?.status.why).toContain('does not answer');
});

describe('workers', () => {
  /** What is known of their health is all that is looked at. */
  function putWorkers(pool: string, states: readonly ('here' | 'ejected')[]): void {
    const instances = states.map((state) => ({ health: { state, why: 'It hangs.' } }));
    const list = () => [{ pool, connections: { upstream: { text: 'http://w1, http://w2' }, instances } }];
    const workers = { ...runtime.workers, list: (server: string) => (server === 'a.test' ? list() : []) };
    runtime = { ...runtime, workers } as unknown as Runtime;
  }

  it.each([
    ['media', ['ejected', 'here'], undefined],
    [
      'media',
      ['ejected', 'ejected'],
      /^The worker pool media of a\.test \(http:\/\/w1, .*\) has been down .* It hangs\.$/,
    ],
    ['background', ['here', 'ejected'], /^One of the background workers of a\.test /],
  ] as const)('of %s that are %j', async (pool, states, expected) => {
    putWorkers(pool, states);
    await system.advance(6 * MINUTE);
    const told = active().map(({ message }) => message);
    if (expected === undefined) expect(told).toEqual([]);
    else expect(told).toEqual([expect.stringMatching(expected)]);
  });
});
