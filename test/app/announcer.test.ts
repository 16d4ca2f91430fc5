import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnounced, type Said } from '../../src/app/announced.ts';
import { type Announcer, createAnnouncer, type Matter } from '../../src/app/announcer.ts';
import { realSystem } from '../../src/base/system.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import type { WarningWay } from '../../src/observe/warning-way.ts';
import { createWebhook } from '../../src/observe/webhook.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Store } from '../../src/store/store.ts';
import { pause, until } from '../harness/until.ts';
import { startWebhookServer, type WebhookServer } from '../harness/webhook-server.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { createRecordingLog, type RecordingLog } from '../tls/recording-log.ts';

let folder: string;
let server: WebhookServer;
const running: { announcer: Announcer; close(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'announcer-'));
  server = await startWebhookServer();
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  readonly announcer: Announcer;
  readonly log: RecordingLog;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

/** One sidecar's, on the store that all of a test share. Its timers run twenty times as fast. */
function start(store: Store = createFileStore(join(folder, 'store'))): Started {
  const log = createRecordingLog();
  const metrics = createMetrics();
  const way = createWebhook({ url: server.url, ca: server.ca }, { system: realSystem });
  const announced = createAnnounced({ store, log });
  const announcer = createAnnouncer({ system: hurriedSystem, log, metrics, announced, way });
  const close = async (): Promise<void> => {
    await announcer.close();
    await way.close();
    await store.close();
  };
  const started = { announcer, log, metrics, close };
  running.push(started);
  return started;
}

/** A homeserver that is down, or is not: what the announcer is to be good for besides certificates. */
function homeserver(down: boolean): Matter {
  return {
    id: 'homeserver-a',
    assess(said: Said) {
      const event = down ? ('began' as const) : ('over' as const);
      const warning = {
        ...{ about: 'homeserver', event, level: 'down', names: ['a.test'], message: `It is ${down ? 'down' : 'up'}.` },
        ...{ expires: undefined, nextAttempt: undefined, why: undefined },
      };
      if (down === said.announced.includes('down')) return { said, warnings: [] };
      return { said: { level: down ? 'down' : 'ok', announced: down ? ['down'] : [] }, warnings: [warning] };
    },
  };
}

const events = (): unknown[] => server.messages().map(({ event }) => event);
/** Long enough for what would have been posted. */
const rest = (): Promise<void> => pause(150);

describe('a warning', () => {
  it('is posted once when it begins and once when it is over, however often it is looked at', async () => {
    const { announcer } = start();
    for (let count = 0; count < 5; count++) announcer.look([homeserver(true)]);
    await until('it began', () => events().length === 1);
    announcer.look([homeserver(true)]);
    await rest();
    announcer.look([homeserver(false)]);
    await until('it is over', () => events().length === 2);
    announcer.look([homeserver(false)]);
    await rest();
    expect(events()).toEqual(['began', 'over']);
    expect(server.messages()[0]).toMatchObject({ about: 'homeserver', text: 'matrix-sidecar: It is down.' });
  });

  it('is not posted where all was well from the beginning, and the store is not written', async () => {
    start().announcer.look([homeserver(false)]);
    await rest();
    expect(server.posted).toEqual([]);
    await expect(readdir(join(folder, 'store'))).rejects.toThrow('ENOENT');
  });

  it('is not posted again after a restart, and its end is posted by whoever runs then', async () => {
    const first = start();
    first.announcer.look([homeserver(true)]);
    await until('it began', () => events().length === 1);
    // In the middle: the other side has it, and has not said so yet.
    await first.close();
    const second = start();
    second.announcer.look([homeserver(true)]);
    await rest();
    expect(events()).toEqual(['began']);
    second.announcer.look([homeserver(false)]);
    await until('it is over', () => events().length === 2);
    expect(events()).toEqual(['began', 'over']);
  });

  it('is posted by one of several sidecars that share a store', async () => {
    const all = [start(), start(), start()];
    server.answerWith((response) => void setTimeout(() => response.end(), 100));
    for (const { announcer } of all) announcer.look([homeserver(true)]);
    await until('it began', () => events().length === 1);
    // Those that found another one speaking look again by themselves.
    await pause(800);
    for (const { announcer } of all) announcer.look([homeserver(false)]);
    await until('it is over', () => events().length === 2);
    await pause(800);
    expect(events()).toEqual(['began', 'over']);
  });
});

describe('a webhook that does not work', () => {
  it('gets the warning later, with pauses that grow, and the log says it once and without secrets', async () => {
    const { announcer, log, metrics } = start();
    const times: number[] = [];
    server.answerWith((response) => {
      times.push(performance.now());
      response.writeHead(times.length < 4 ? 500 : 200).end();
    });
    announcer.look([homeserver(true)]);
    // What is looked at in between does not make it hurry.
    for (let count = 0; count < 5; count++) {
      await pause(50);
      announcer.look([homeserver(true)]);
    }
    await until('it got it', () => times.length === 4, 5_000);
    const pauses = times.slice(1).map((time, index) => Math.round(time - times[index]!));
    expect(pauses[0]).toBeGreaterThan(200);
    expect(pauses[1]).toBeGreaterThan(450);
    expect(pauses[2]).toBeGreaterThan(950);
    await until('it is noted', () => log.at('info').length === 1);
    expect(log.at('warn')).toEqual([
      `warn A warning could not be posted to ${server.host}: it answered 500. It is tried again.`,
    ]);
    for (const secret of server.secrets) expect(log.lines.join('\n')).not.toContain(secret);
    const { text } = await metrics.scrape();
    expect(text).toContain('matrix_sidecar_warning_deliveries_total{result="failed"} 3');
    expect(text).toContain('matrix_sidecar_warning_deliveries_total{result="delivered"} 1');
  });

  it('is left alone for as long as it asks', async () => {
    const { announcer } = start();
    server.answerWith((response) => void response.writeHead(429, { 'retry-after': '20' }).end());
    announcer.look([homeserver(true)]);
    await until('it was asked', () => server.posted.length === 1);
    await pause(600);
    expect(server.posted).toHaveLength(1);
    await until('it was asked again', () => server.posted.length === 2, 2_000);
  });

  it('does not hear of what is over by the time it works', async () => {
    const { announcer } = start();
    server.answerWith((response) => void response.writeHead(500).end());
    announcer.look([homeserver(true)]);
    await until('it was asked', () => server.posted.length === 1);
    server.answerWith((response) => void response.end());
    announcer.look([homeserver(false)]);
    await pause(500);
    expect(server.posted).toHaveLength(1);
  });

  it('does not keep the sidecar from stopping', async () => {
    const { announcer, close } = start();
    server.answerWith(() => {});
    announcer.look([homeserver(true)]);
    await until('it was asked', () => server.posted.length === 1);
    const began = performance.now();
    await close();
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe('a store that does not work', () => {
  it('keeps nobody from being warned, once', async () => {
    const store = createFileStore(join(folder, 'store'));
    const full = async (): Promise<never> => {
      throw new Error('the disk is full');
    };
    const { announcer } = start({ ...store, write: full, acquireLease: full });
    announcer.look([homeserver(true)]);
    await until('it began', () => events().length === 1, 5_000);
    announcer.look([homeserver(true)]);
    await rest();
    announcer.look([homeserver(false)]);
    await until('it is over', () => events().length === 2, 5_000);
    expect(events()).toEqual(['began', 'over']);
  });

  it('is told what was announced meanwhile, once it works again', async () => {
    const store = createFileStore(join(folder, 'store'));
    let works = false;
    const write: Store['write'] = async (key, bytes) => {
      if (!works) throw new Error('the disk is full');
      await store.write(key, bytes);
    };
    const first = start({ ...store, write });
    first.announcer.look([homeserver(true)]);
    await until('it began', () => events().length === 1);
    await rest();
    works = true;
    first.announcer.look([homeserver(true)]);
    await rest();
    await first.close();
    start().announcer.look([homeserver(true)]);
    await rest();
    expect(events()).toEqual(['began']);
  });

  it.each(['', '{', '[]', '{"level":1,"announced":[]}', '{"level":"ok","announced":"x"}'])(
    'and holds %j in place of what was said has everybody told',
    async (damaged) => {
      const store = createFileStore(join(folder, 'store'));
      await store.write('warnings/homeserver-a.json', Buffer.from(damaged));
      start().announcer.look([homeserver(true)]);
      await until('it began', () => events().length === 1);
    },
  );
});

describe('the transaction of a message', () => {
  it('is the same when it is tried again, also by another after a crash, and another for the next message', async () => {
    const seen: string[] = [];
    let answers = [false, true];
    const way: WarningWay = {
      host: 'room.test',
      async post(_message, _signal, transaction) {
        seen.push(transaction);
        return answers.shift() === false ? { ok: false, why: 'no', retryAfter: undefined } : { ok: true };
      },
      async close() {},
    };
    /** `lost`: what it writes down does not get to the disk before it dies. */
    async function tell(down: boolean, lost = false): Promise<void> {
      const store = createFileStore(join(folder, 'store'));
      const log = createRecordingLog();
      const announced = createAnnounced({
        store: lost ? { ...store, write: async () => {} } : store,
        log,
        way: 'matrix',
      });
      const announcer = createAnnouncer({ system: hurriedSystem, log, metrics: createMetrics(), announced, way });
      const before = seen.length + answers.length;
      announcer.look([homeserver(down)]);
      await until('it is told', () => answers.length === 0 && seen.length >= before);
      await rest();
      await announcer.close();
      await store.close();
    }
    await tell(true, true);
    answers = [true];
    await tell(true);
    answers = [true];
    await tell(false);
    answers = [true];
    await tell(true);
    expect(seen).toHaveLength(5);
    const [first, again, afterCrash, over, next] = seen;
    expect([again, afterCrash]).toEqual([first, first]);
    expect(new Set([first, over, next]).size).toBe(3);
  });
});
