import { expect, it } from 'vitest';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { writeConfig } from '../../src/config/write-config.ts';
import { loadText } from './load-file.ts';

const SECRET = 'hunter2';
const RESOURCES = 'resources: [{ names: [client, federation] }]';
/** A homeserver.yaml as Debian's package has it, for one machine. */
const SYNAPSE = `server_name: example.com
macaroon_secret_key: ${SECRET}
listeners:
  - { port: 8008, type: http, bind_addresses: ['::1', 127.0.0.1], x_forwarded: true, ${RESOURCES} }
`;
const worker = (name: string, listener: string, app = 'generic_worker') =>
  `worker_app: synapse.app.${app}\nworker_name: ${name}\nworker_listeners:\n  - { type: http, ${listener}, ${RESOURCES} }\n`;

interface Given {
  /** Lines of the server, and below it. */
  readonly more?: string;
  readonly top?: string;
  readonly synapse?: string;
  readonly workers?: readonly string[];
}

function load({ more = '', top = '', synapse = SYNAPSE, workers = [] }: Given) {
  const files = Object.fromEntries([['/srv/hs.yaml', synapse], ...workers.map((text, n) => [`/srv/w${n}.yaml`, text])]);
  const names = Object.keys(files).map((path) => path.slice('/srv/'.length));
  const loaded = loadText(`servers:\n  - homeserver_yaml: [${names.join(', ')}]\n${more}${top}`, { files });
  return { loaded, problems: loaded.ok ? '' : formatConfigProblems(loaded.problems) };
}

function shown(given: Given): string {
  const { loaded, problems } = load(given);
  if (!loaded.ok) throw new Error(problems);
  return writeConfig(loaded.config, loaded.derivation);
}

it('of a server that names its homeserver.yaml nothing else need be written, and config show says what is from where', () => {
  const text = shown({
    synapse: `${SYNAPSE}max_upload_size: 200M
matrix_authentication_service: { enabled: true, endpoint: "http://localhost:8090/", secret: ${SECRET} }
stream_writers: { typing: w2, to_device: w2 }
instance_map: { main: { host: localhost, port: 9093 }, w2: { host: localhost, port: 9094 } }
redis: { enabled: true, password: ${SECRET} }
`,
    workers: [
      worker('generic1', 'port: 8081, bind_addresses: [127.0.0.1]'),
      worker('generic2', 'port: 8082'),
      worker('w2', 'port: 8083'),
    ],
  });
  expect(text.split('\n').filter((line) => line.includes(' # from '))).toEqual([
    '  - server_name: example.com # from /srv/hs.yaml:1 server_name',
    '    homeserver: http://127.0.0.1:8008 # from /srv/hs.yaml:4 listeners',
    '    mas: http://localhost:8090 # from /srv/hs.yaml:6 matrix_authentication_service',
    '        - http://127.0.0.1:8081 # from /srv/w0.yaml:4 worker_listeners',
    '        - http://127.0.0.1:8082 # from /srv/w1.yaml:4 worker_listeners',
    '          - http://127.0.0.1:8083 # from /srv/w2.yaml:4 worker_listeners',
    '          - http://127.0.0.1:8083 # from /srv/w2.yaml:4 worker_listeners',
    '  upload: 200MiB # from /srv/hs.yaml:5 max_upload_size',
  ]);
  expect(text).not.toContain(SECRET);
});

it('what is written goes before what follows', () => {
  const { loaded } = load({
    synapse: `${SYNAPSE}max_upload_size: 200M\nmatrix_authentication_service: { enabled: true }\n`,
    workers: [worker('generic1', 'port: 8081')],
    more: '    server_name: other.example\n    homeserver: http://127.0.0.1:1\n    mas: http://m\n    workers: {}\n',
    top: 'limits: { upload: 5M }\n',
  });
  expect(loaded.ok && loaded.derivation).toEqual({ derived: [], left: [] });
  expect(loaded.ok && loaded.config).toMatchObject({
    servers: [
      { serverName: { text: 'other.example' }, homeserver: { text: 'http://127.0.0.1:1' }, workers: { pools: {} } },
    ],
    limits: { upload: 5 * 1024 ** 2 },
  });
});

const listener = (over: string) => `server_name: a.org\nlisteners: [{ type: http, ${RESOURCES}, ${over} }]\n`;

it.each([
  ['at its socket', listener('path: /run/s.sock'), 'unix:/run/s.sock'],
  ['on this machine where it listens for that alone', listener('port: 1, bind_addresses: ["::1"]'), 'http://[::1]:1'],
  ['at its one address', listener('port: 1, bind_addresses: [10.0.0.5, 127.0.0.1]'), 'http://10.0.0.5:1'],
  [
    'at the one listener that is for all',
    'server_name: a.org\nlisteners:\n  - { type: metrics, port: 9000 }\n  - { type: http, port: 9093, resources: [{ names: [replication] }] }\n' +
      `  - { type: http, port: 8448, tls: true, ${RESOURCES} }\n  - { type: http, port: 2, bind_addresses: [127.0.0.1], ${RESOURCES} }\n`,
    'http://127.0.0.1:2',
  ],
])('the homeserver is %s', (_, synapse, expected) => {
  const { loaded } = load({ synapse });
  expect(loaded.ok && loaded.config.servers[0]!.homeserver.text).toBe(expected);
});

it.each([
  [
    'is bound on every address',
    listener('port: 1'),
    'sidecar.yaml:2:5 servers[0].homeserver: is missing, and does not follow from /srv/hs.yaml:2 listeners (port 1 is bound on more than one address, and only you know by which name the sidecar reaches it). Add it, as in homeserver: http://synapse:8008.\n',
  ],
  [
    'is two',
    `server_name: a.org\nlisteners: [{ type: http, port: 1, ${RESOURCES} }, { type: http, port: 2, ${RESOURCES} }]\n`,
    'sidecar.yaml:2:5 servers[0].homeserver: is missing, and does not follow from /srv/hs.yaml:2 listeners (port 1 and port 2 serve both client and federation). Add it, as in homeserver: http://synapse:8008.\n',
  ],
  [
    'has TLS',
    listener('port: 1, tls: true'),
    'sidecar.yaml:2:5 servers[0].homeserver: is missing, and does not follow from /srv/hs.yaml:2 listeners (no listener serves both client and federation without TLS). Add it, as in homeserver: http://synapse:8008.\n',
  ],
])('a listener that %s says nothing of where the homeserver is', (_, synapse, expected) => {
  expect(load({ synapse }).problems).toBe(expected);
});

it.each([
  ['is no YAML', `server_name: a.org\n\tpassword: ${SECRET}\n`, '/srv/hs.yaml:2 servers[0].homeserver_yaml: '],
  ['has no name', `password: ${SECRET}\n`, '/srv/hs.yaml server_name: there is no server_name. '],
  ['has a name that is none', SYNAPSE.replace('example.com', '"exa mple"'), '/srv/hs.yaml:1 server_name: '],
  [
    'has a listener that Synapse refuses',
    `server_name: a.org\nlisteners:\n  - { port: 1 }\n`,
    '/srv/hs.yaml:3 listeners[0]: this listener has no type. ',
  ],
  ['has a size that is none', `${SYNAPSE}max_upload_size: [${SECRET}]\n`, '/srv/hs.yaml:5 max_upload_size: '],
  [
    'repeats itself without end',
    `server_name: a.org\na: &a [x, x]\n${'bcdefghijklmnopqrst'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)}, `.repeat(9)}]\n`)}`,
    '/srv/hs.yaml:1 servers[0].homeserver_yaml: aliases ',
  ],
  ['is nested without end', `a: ${'['.repeat(100_000)}\n`, '/srv/hs.yaml:'],
  ['is nested deep', `server_name: a.org\na: ${'['.repeat(5_000)}${']'.repeat(5_000)}\n`, '/srv/hs.yaml:'],
])('a file that %s is one sentence with its line', (_, synapse, start) => {
  const { problems } = load({ synapse });
  expect(problems.slice(0, start.length)).toBe(start);
  expect(problems.trimEnd().split('\n')).toHaveLength(1);
  expect(problems).not.toContain(SECRET);
});

it('a file that is not there is one sentence', () => {
  const loaded = loadText('servers: [{ homeserver_yaml: hs.yaml }]');
  expect(loaded.ok ? '' : formatConfigProblems(loaded.problems)).toBe(
    '/srv/hs.yaml servers[0].homeserver_yaml: does not exist. Check the path; in a container, mount the file into it.\n',
  );
});

const ELSEWHERE = '    homeserver: http://synapse:8008\n';

it.each([
  [
    'a worker for its own machine alone, with the homeserver elsewhere',
    { more: ELSEWHERE, workers: [worker('w', 'port: 1, bind_addresses: [127.0.0.1]')] },
    'servers[0].workers does not follow from /srv/w0.yaml:4 worker_listeners: the worker w listens for its own machine alone, and the homeserver is elsewhere (http://synapse:8008); write it if it is meant',
  ],
  [
    'a worker on every address of who knows which host',
    { more: ELSEWHERE, workers: [worker('w', 'port: 1')] },
    'servers[0].workers does not follow from /srv/w0.yaml:4 worker_listeners: the worker w listens on every address, and instance_map does not say at which host; write it if it is meant',
  ],
  [
    'two workers at one address',
    { workers: [worker('a', 'port: 1'), worker('b', 'port: 1')] },
    'servers[0].workers does not follow from /srv/w0.yaml:4 worker_listeners: a and b would all be at http://127.0.0.1:1; write it if it is meant',
  ],
  [
    'several workers for what one alone can do',
    { workers: [worker('sso1', 'port: 1'), worker('sso2', 'port: 2')] },
    'servers[0].workers.sso does not follow from /srv/w0.yaml:4 worker_listeners: sso1 and sso2 are all for sso, which one process alone can be; write it if it is meant',
  ],
  [
    'a service for logins with a public address alone',
    {
      synapse: `${SYNAPSE}experimental_features: { msc3861: { enabled: true, issuer: "https://auth.example.com/" } }\n`,
    },
    'servers[0].mas does not follow from /srv/hs.yaml:5 experimental_features: logins are left to a service whose address without TLS is not in the file; write it if it is meant',
  ],
  [
    'one on the machine of a homeserver elsewhere',
    { more: ELSEWHERE, synapse: `${SYNAPSE}matrix_authentication_service: { enabled: true }\n` },
    'servers[0].mas does not follow from /srv/hs.yaml:5 matrix_authentication_service: logins are left to localhost:8080, which is on the machine of the homeserver (http://synapse:8008); write it if it is meant',
  ],
])('%s is not taken over, and the operator is told', (_, given: Given, notice) => {
  const { loaded } = load(given);
  expect(loaded.notices).toEqual([notice]);
  expect(loaded.ok && loaded.config.servers[0]).toMatchObject({ mas: undefined });
  expect(loaded.ok && loaded.config.servers[0]!.workers).toBeUndefined();
});

it.each([
  ['its host in instance_map', 'instance_map: { w: { host: w.local, port: 9 } }\n', 'port: 1', 'http://w.local:1'],
  ['its one address', '', 'port: 1, bind_addresses: [10.0.0.7]', 'http://10.0.0.7:1'],
  [
    'the host of the main process where they share it',
    'instance_map: { w: { host: localhost, port: 9 } }\n',
    'port: 1',
    'http://synapse:1',
  ],
])('a worker of a homeserver elsewhere is at %s', (_, shared, at, expected) => {
  const { loaded } = load({ more: ELSEWHERE, synapse: `${SYNAPSE}${shared}`, workers: [worker('w', at)] });
  expect(loaded.ok && loaded.config.servers[0]!.workers?.pools.generic?.[0]?.text).toBe(expected);
});

it('the upload limit is the largest of all servers, within what it may be, and none where one of them is not known', () => {
  const files = { '/srv/a.yaml': `${SYNAPSE}max_upload_size: 3M\n`, '/srv/b.yaml': `${SYNAPSE}max_upload_size: 1K\n` };
  const upload = (...servers: string[]) => {
    const loaded = loadText(`servers: [${servers.join(', ')}]`, { files });
    return loaded.ok ? loaded.config.limits.upload : formatConfigProblems(loaded.problems);
  };
  const [a, b] = ['{ homeserver_yaml: a.yaml }', '{ homeserver_yaml: b.yaml, server_name: b.org }'];
  expect(upload(a, b)).toBe(3 * 1024 ** 2);
  expect(upload(b)).toBe(64 * 1024);
  expect(upload(a, '{ server_name: c.org, homeserver: "http://c" }')).toBe(1024 ** 3);
});

it('what followed once is taken instead of reading again, and holds nothing of the file but that', () => {
  const { loaded } = load({ workers: [worker('w', 'port: 1')] });
  if (!loaded.ok) throw new Error();
  const sent = JSON.stringify(loaded.derivation);
  expect(sent).not.toContain(SECRET);
  const again = loadText('servers: [{ homeserver_yaml: [hs.yaml, w0.yaml] }]', { derivation: JSON.parse(sent) });
  expect(again.ok && writeConfig(again.config)).toBe(writeConfig(loaded.config));
});
