import { describe, expect, it } from 'vitest';
import { parseUpstream, type Upstream } from '../../src/base/address.ts';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import type { SidecarWorkers } from '../../src/synapse/sidecar-facts.ts';
import { facts, read, SOUND } from './sound.ts';

const at = (text: string): Upstream => {
  const parsed = parseUpstream(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};

const pools = (written: Readonly<Record<string, string>>): SidecarWorkers => ({
  pools: Object.fromEntries(Object.entries(written).map(([pool, place]) => [pool, [at(place)]])),
  background: [],
});

const SHARED =
  'redis: { enabled: true }\ninstance_map: { main: { host: main, port: 9093 }, w1: { host: w1, port: 9093 } }\n';
const W1 =
  'worker_app: synapse.app.generic_worker\nworker_name: w1\nworker_listeners: [{ type: http, port: 8081, x_forwarded: true, resources: [{ names: [client, federation] }] }]\n';

const lint = (workers: SidecarWorkers | undefined, shared: string, ...files: string[]) =>
  lintHomeserver(read(`${SOUND}${shared}`, ...files), facts({ workers }));
const found = (...args: Parameters<typeof lint>) =>
  lint(...args).map(({ id, severity, place }) => [id, severity, place?.line]);

describe('a Synapse with workers that the sidecar knows', () => {
  it.each([
    ['by their addresses alone', SHARED, []],
    ['by their files', SHARED, [W1]],
  ])('has nothing to be said about, %s', (_, shared, files) => {
    expect(lint(pools({ generic: 'http://other-name:8081' }), shared, ...files)).toEqual([]);
  });

  it('may have its streams written by workers that both name', () => {
    const shared = `${SHARED}stream_writers: { typing: w1, events: [p1, p2] }\n`;
    expect(lint(pools({ typing: 'http://w1:8081' }), shared, W1)).toEqual([]);
  });

  it('may have its media quarantined by the media worker', () => {
    const shared = `${SHARED}enable_media_repo: false\nstream_writers: { quarantined_media_changes: m }\n`;
    expect(lint(pools({ media: 'http://m:8082' }), shared)).toEqual([]);
  });
});

const line = (text: string): number => SOUND.split('\n').length + text.split('\n').length - 2;

describe('a Synapse with workers and one thing wrong', () => {
  const streams = (text: string): string => `${SHARED}stream_writers: ${text}\n`;
  it.each([
    ['unknown to the sidecar', undefined, SHARED, [], 'synapse-workers-unrouted', 'warning'],
    ['without Redis', pools({ generic: 'http://w1:8081' }), '', [], 'synapse-redis-off', 'error'],
    [
      'typing without its pool',
      pools({ generic: 'http://g:1' }),
      streams('{ typing: w1 }'),
      [],
      'synapse-writer-unrouted',
      'error',
    ],
    [
      'receipts without their pool',
      pools({ generic: 'http://g:1' }),
      streams('{ receipts: [w1] }'),
      [],
      'synapse-writer-unrouted',
      'info',
    ],
    [
      'typing that the main process writes',
      pools({ typing: 'http://w1:8081' }),
      SHARED,
      [],
      'synapse-writers-differ',
      'error',
    ],
    [
      'presence that the main process writes',
      pools({ presence: 'http://w1:8081' }),
      SHARED,
      [],
      'synapse-writers-differ',
      'info',
    ],
    [
      'typing at another port',
      pools({ typing: 'http://w1:8082', generic: 'http://w1:8081' }),
      streams('{ typing: w1 }'),
      [W1],
      'synapse-writers-differ',
      'error',
    ],
    [
      'two writers of receipts, one known here',
      pools({ receipts: 'http://w1:8081' }),
      streams('{ receipts: [w1, w2] }'),
      [],
      'synapse-writers-differ',
      'info',
    ],
    [
      'media nowhere',
      pools({ generic: 'http://w1:8081' }),
      `${SHARED}enable_media_repo: false\n`,
      [],
      'synapse-media-unrouted',
      'error',
    ],
    ['media twice', pools({ media: 'http://m:8082' }), SHARED, [], 'synapse-media-in-main', 'warning'],
    ['a worker that nobody asks', pools({ generic: 'http://w2:8082' }), SHARED, [W1], 'synapse-worker-unused', 'info'],
    [
      'a worker with TLS',
      pools({ generic: 'http://w1:8081' }),
      SHARED,
      [W1.replace('x_', 'tls: true, x_')],
      'synapse-listener-tls',
      'error',
    ],
    [
      'a worker without x_forwarded',
      pools({ generic: 'http://w1:8081' }),
      SHARED,
      [W1.replace('x_forwarded: true, ', '')],
      'synapse-x-forwarded',
      'warning',
    ],
  ] as const)('%s', (_, workers, shared, files, id, severity) => {
    expect(found(workers, shared, ...files).map((one) => one.slice(0, 2))).toEqual([[id, severity]]);
  });

  it('is named with the line of the stream', () => {
    const shared = `${SHARED}stream_writers:\n  events: [p]\n  typing: w1\n`;
    expect(found(pools({ generic: 'http://w1:8081' }), shared, W1)).toEqual([
      ['synapse-writer-unrouted', 'error', line(shared)],
    ]);
  });
});

it('the lines for the sidecar follow from the files of the workers, and no secret is in them', () => {
  const [finding] = lint(
    undefined,
    `${SHARED}worker_replication_secret: hunter9\nredis: { enabled: true, password: hunter8 }\n`,
    W1,
  );
  expect(finding!.lines).toEqual(['    workers:', '      generic: http://w1:8081']);
  expect(JSON.stringify(finding)).not.toMatch(/hunter/);
});
