import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { deriveWorkers, writeWorkers } from '../../src/synapse/derive-workers.ts';
import { readConfig } from '../app/test-config.ts';
import { facts, read, SOUND } from './sound.ts';

/** A worker's own file; `listener` in the flow style of YAML, `client` and `federation` on a port unless told otherwise. */
const worker = (
  name: string,
  listener = '{ port: 8081, resources: [{ names: [client, federation] }] }',
  app = 'generic_worker',
) =>
  `worker_app: synapse.app.${app}\nworker_name: ${name}\nworker_listeners: [${listener.replace('{', '{ type: http, x_forwarded: true,')}]\n`;

const derive = (shared: string, ...files: string[]) => {
  const { yaml, problems } = read(`${SOUND}${shared}`, ...files);
  expect(problems).toEqual([]);
  return deriveWorkers(yaml!.processes, facts().homeserver);
};

const poolsOf = (shared: string, file: string) => derive(shared, file)[0]?.pools;

it.each([
  ['a worker for everything', '', worker('w1'), ['generic']],
  ['one that is called by what it does', '', worker('federation-inbound-2'), ['federation_inbound']],
  ['one of the types of old', '', worker('w1', undefined, 'synchrotron'), ['sync']],
  [
    'a media repository',
    '',
    worker('m', '{ port: 1, resources: [{ names: [media] }] }', 'media_repository'),
    ['media'],
  ],
  [
    'one for other servers alone',
    '',
    worker('w', '{ port: 1, resources: [{ names: [federation] }] }'),
    ['federation_reader', 'federation_inbound'],
  ],
  ['one for clients alone', '', worker('w', '{ port: 1, resources: [{ names: [client] }] }'), ['client_reader']],
  ['one that says only how it is', '', worker('w', '{ port: 1, resources: [{ names: [health] }] }'), ['background']],
  ['a federation sender', '', worker('federation_sender1'), ['background']],
  ['a writer of streams', 'stream_writers: { typing: w1, receipts: [w1, w2] }\n', worker('w1'), ['typing', 'receipts']],
  [
    'the one that keeps the user directory',
    'update_user_directory_from_worker: w1\n',
    worker('w1'),
    ['generic', 'user_directory'],
  ],
  [
    'an event persister',
    'stream_writers: { events: [w1] }\n',
    worker('w1', '{ port: 1, resources: [{ names: [health] }] }'),
    ['background'],
  ],
])('%s is in its pools', (_, shared, file, pools) => {
  expect(poolsOf(shared, file)).toEqual(pools);
});

it.each([
  ['its name', '', worker('w1'), 'http://w1:8081'],
  [
    'its host in instance_map',
    'instance_map: { w1: { host: worker.local, port: 9 } }\n',
    worker('w1'),
    'http://worker.local:8081',
  ],
  [
    'this machine, where it listens for that alone',
    'instance_map: { w1: { host: worker.local, port: 9 } }\n',
    worker('w1', '{ port: 1, bind_addresses: ["127.0.0.1", "::1"], resources: [{ names: [client] }] }'),
    'http://127.0.0.1:1',
  ],
  ['its socket', '', worker('w1', '{ path: /run/w1.sock, resources: [{ names: [client] }] }'), 'unix:/run/w1.sock'],
])('a worker is looked for at %s', (_, shared, file, place) => {
  expect(derive(shared, file)[0]!.place.text).toBe(place);
});

it.each([
  ['without a listener', 'worker_app: synapse.app.generic_worker\nworker_name: w1\n'],
  ['with one for replication alone', worker('w1', '{ port: 1, resources: [{ names: [replication] }] }')],
  ['under a name that is no host', worker('worker_1 of 2')],
])('a worker %s is left out', (_, file) => {
  expect(derive('', file)).toEqual([]);
});

it('the lines are a configuration of the sidecar as they stand', () => {
  const derived = derive(
    'stream_writers: { typing: streams1, to_device: streams1 }\n',
    worker('generic1'),
    worker('generic2'),
    worker('streams1'),
    worker('media1', '{ port: 8085, resources: [{ names: [media] }] }', 'media_repository'),
    worker('sender1', '{ port: 8086, resources: [{ names: [health] }] }'),
  );
  const lines = writeWorkers(derived);
  expect(lines).toEqual([
    '    workers:',
    '      generic: [http://generic1:8081, http://generic2:8081]',
    '      media: http://media1:8085',
    '      stream_writers:',
    '        typing: http://streams1:8081',
    '        to_device: http://streams1:8081',
    '      background: http://sender1:8086',
  ]);
  const config = readConfig(
    `servers:\n  - server_name: a.test\n    homeserver: http://main:8008\n${lines.join('\n')}\n`,
  );
  expect(Object.keys(config.servers[0]!.workers!.pools).sort()).toEqual(['generic', 'media', 'to_device', 'typing']);
  expect(parse(lines.join('\n'))).toHaveProperty('workers.generic.1', 'http://generic2:8081');
  expect(writeWorkers([])).toEqual([]);
});

it('the file of a worker is no part of what all processes read', () => {
  const { yaml } = read(SOUND, `${worker('w1')}server_name: other.example\n`);
  expect([yaml!.serverName, yaml!.files]).toEqual(['example.com', ['a.yaml', 'b.yaml']]);
});

it('a listener that Synapse would refuse is named with its line, and nothing of the file', () => {
  const file =
    'worker_app: synapse.app.generic_worker\nworker_name: w1\nsecret: hunter2\nworker_listeners:\n  - { port: 1 }\n';
  const { problems } = read(SOUND, file);
  expect(problems).toEqual([
    {
      place: { file: 'b.yaml', line: 5 },
      key: 'worker_listeners[0]',
      what: 'this listener has no type',
      fix: expect.stringContaining('type: http'),
    },
  ]);
  expect(JSON.stringify(problems)).not.toContain('hunter2');
});
