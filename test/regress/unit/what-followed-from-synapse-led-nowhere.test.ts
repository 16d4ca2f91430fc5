import { expect, it } from 'vitest';
import type { LoadedConfig } from '../../../src/config/load-config.ts';
import { loadText } from '../../config/load-file.ts';

type Loaded = LoadedConfig & { readonly ok: true };

const RESOURCES = 'resources: [{ names: [client, federation] }]';
const MAIN = `server_name: a.test\nlisteners: [{ type: http, port: 8008, bind_addresses: [127.0.0.1], ${RESOURCES} }]\n`;
const worker = (name: string, ...listeners: string[]) =>
  `worker_app: synapse.app.generic_worker\nworker_name: ${name}\nworker_listeners:\n${listeners.map((one) => `  - { type: http, bind_addresses: [127.0.0.1], ${one} }\n`).join('')}`;

function load(synapse: string, ...workers: string[]): Loaded {
  const files = Object.fromEntries([['/srv/hs.yaml', synapse], ...workers.map((text, n) => [`/srv/w${n}.yaml`, text])]);
  const names = Object.keys(files).map((path) => path.slice('/srv/'.length));
  const loaded = loadText(`servers: [{ homeserver_yaml: [${names.join(', ')}] }]\n`, { files });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

function poolsOf({ config }: Loaded): Readonly<Record<string, readonly string[]>> {
  const { pools = {}, background = [] } = config.servers[0]!.workers ?? {};
  const all = [...Object.entries(pools), ['background', background] as const];
  return Object.fromEntries(
    all.filter(([, places]) => places.length > 0).map(([name, list]) => [name, list.map(({ text }) => text)]),
  );
}

it('a worker that expects TLS is not sent plain requests, and start says so', () => {
  const loaded = load(
    MAIN,
    worker('w1', `port: 8081, tls: true, ${RESOURCES}`),
    worker('w2', `port: 8082, ${RESOURCES}`),
  );
  expect(poolsOf(loaded)).toEqual({ generic: ['http://127.0.0.1:8082'] });
  expect(loaded.notices.join('\n')).toContain(
    '/srv/w0.yaml:4 worker_listeners: the worker w1 expects TLS on port 8081',
  );
});

it.each([
  ['health beside the rest', ['port: 1, resources: [{ names: [health] }]', `port: 2, ${RESOURCES}`], { generic: [2] }],
  ['TLS beside none', [`port: 1, tls: true, ${RESOURCES}`, `port: 2, ${RESOURCES}`], { generic: [2] }],
  ['the same twice', [`port: 1, ${RESOURCES}`, `port: 2, ${RESOURCES}`], { generic: [1] }],
  [
    'one for all, another for some',
    ['port: 1, resources: [{ names: [client] }]', `port: 2, ${RESOURCES}`],
    { generic: [2] },
  ],
  [
    'clients here, servers there',
    ['port: 1, resources: [{ names: [client] }]', 'port: 2, resources: [{ names: [federation] }]'],
    { client_reader: [1], federation_reader: [2], federation_inbound: [2] },
  ],
])('a worker that listens in two places is asked where it answers: %s', (_, listeners, pools) => {
  const expected = Object.entries(pools).map(([pool, ports]) => [
    pool,
    ports.map((port) => `http://127.0.0.1:${port}`),
  ]);
  expect(poolsOf(load(MAIN, worker('w1', ...listeners)))).toEqual(Object.fromEntries(expected));
});

it('a worker that is called for servers is asked for nothing of theirs where it listens for clients', () => {
  const listeners = ['port: 1, resources: [{ names: [client] }]', 'port: 2, resources: [{ names: [federation] }]'];
  expect(poolsOf(load(MAIN, worker('federation_reader1', ...listeners)))).toEqual({
    client_reader: ['http://127.0.0.1:1'],
    federation_reader: ['http://127.0.0.1:2'],
    federation_inbound: ['http://127.0.0.1:2'],
  });
});

it.each([
  ['127.0.0.2', 'http://127.0.0.2'],
  ['127.0.1.1, "::1"', 'http://127.0.1.1'],
  ['"::1", 127.0.0.1', 'http://127.0.0.1'],
  ['localhost', 'http://127.0.0.1'],
])('who listens at %s of this machine alone is looked for there', (addresses, expected) => {
  const at = (text: string) => text.replace('[127.0.0.1]', `[${addresses}]`);
  const loaded = load(at(MAIN), at(worker('w1', `port: 8081, ${RESOURCES}`)));
  expect(loaded.config.servers[0]!.homeserver.text).toBe(`${expected}:8008`);
  expect(poolsOf(loaded)).toEqual({ generic: [`${expected}:8081`] });
});

it('the names of JavaScript are names of workers like any others', () => {
  expect(poolsOf(load(MAIN, worker('constructor', `port: 8081, ${RESOURCES}`)))).toEqual({
    generic: ['http://127.0.0.1:8081'],
  });
});

it('a stream that is written by a worker whose file was not given is no secret', () => {
  const loaded = load(
    `${MAIN}stream_writers: { typing: w2, to_device: w3, receipts: w1, events: w3 }\n`,
    worker('w1', `port: 8081, ${RESOURCES}`),
  );
  expect(poolsOf(loaded)).toEqual({ receipts: ['http://127.0.0.1:8081'] });
  expect(loaded.notices).toEqual([
    'servers[0].workers.stream_writers.typing does not follow from /srv/hs.yaml:3 stream_writers: w2 writes it, and no file says where that listens; write it if it is meant',
  ]);
});

it('media that no known process serves are no secret', () => {
  const media = worker('m', 'port: 8085, resources: [{ names: [media] }]');
  const notices = (...workers: string[]) => load(`${MAIN}enable_media_repo: false\n`, ...workers).notices;
  expect(notices(worker('w1', `port: 8081, ${RESOURCES}`), media)).toEqual([]);
  expect(notices(worker('w1', `port: 8081, ${RESOURCES}`))).toEqual([
    'servers[0].workers.media does not follow from /srv/hs.yaml:3 enable_media_repo: the main process serves none, and no file says which worker does; write it if it is meant',
  ]);
});
