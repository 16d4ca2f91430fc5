import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';

const YAML = `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    website: http://web:80
    workers:
      sync: [http://10.0.0.1:8081, http://10.0.0.2:8081]
      media: http://10.0.0.3:8082
      federation_inbound: [http://10.0.0.4:8083, http://10.0.0.5:8083]
      client_reader: [http://10.0.0.6:8083, http://10.0.0.7:8083]
      stream_writers: { push_rules: http://rules:8084 }
  - { server_name: small.test, homeserver: "http://small:8008" }
routes: { federation_port: federation }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'explain-'));
  writeFileSync(join(folder, 'sidecar.yaml'), YAML);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function explain(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' };
  const io: CliIo = {
    stdout(text) {
      said.out += text;
    },
    stderr(text) {
      said.err += text;
    },
    ...{ env: {}, cwd: folder, isTerminal: false, colour: false, exitCode: 0 },
  };
  await runCommandLine(['explain', '--config', 'sidecar.yaml', ...args], io);
  return { code: io.exitCode, ...said };
}

async function explained(...args: string[]): Promise<Record<string, string>> {
  const { code, out, err } = await explain(...args, '--format', 'json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Record<string, string>;
}

it('explain says which worker takes a request, and why', async () => {
  const { code, out } = await explain(
    ...['GET', 'https://example.com/_matrix/client/v3/sync?since=s1', '--user', '@alice:example.com'],
  );
  expect(code).toBe(0);
  expect(out).toBe(`request          GET /_matrix/client/v3/sync?since=s1
listener         https ([::]:443)
outcome          forwarded
why              /_matrix/client/v3/sync of example.com, found by Host
server           example.com
main process     http://synapse:8008
pool             sync, then the main process
why there        /_matrix/client/(r0|v3)/sync$ (Synapse 1.160, docs/workers.md line 200): sync, by user; the main process where it cannot be had
key              the user alice
worker           http://10.0.0.1:8081, of http://10.0.0.1:8081, http://10.0.0.2:8081
body             up to 12.5MiB
answer           begins within 15m, or 504
nobody there     waits up to 50s
connection dies  sent again, which does no harm
`);
});

const SYNC = 'https://example.com/_matrix/client/v3/sync';
const SEND = 'https://example.com/_matrix/federation/v1/send/1';
const RULE = 'https://example.com/_matrix/client/v3/pushrules/global/content/x';

describe('explain names', () => {
  it.each<[readonly string[], Record<string, string | undefined>]>([
    [['GET', SYNC], { key: expect.stringMatching(/--user/), worker: expect.stringMatching(/^the least busy of/) }],
    [['get', 'https://example.com'], { request: 'GET /', website: 'http://web:80', pool: undefined }],
    [['GET', 'https://small.test/_matrix/client/v3/sync'], { homeserver: 'http://small:8008', pool: undefined }],
    [
      ['PUT', SEND, '--origin', 'other.test'],
      { key: 'the server other.test', pool: 'federation_inbound, then the main process' },
    ],
    [['PUT', SEND, '--from', '198.51.100.7'], { key: expect.stringMatching(/198\.51\.100\.7/) }],
    [['GET', RULE], { pool: 'push_rules, then client_reader, then the main process', key: undefined }],
    [['PUT', RULE], { pool: 'push_rules; nobody else can', connection_dies: expect.stringMatching(/sent again/) }],
    [['POST', `${SYNC}x`], { pool: 'the main process', worker: undefined, connection_dies: '502: never sent twice' }],
    [
      ['GET', 'https://example.com/_matrix/client/versions'],
      { nobody_there: expect.stringMatching(/what it said last/) },
    ],
    [
      ['GET', 'https://example.com/_matrix/client/v3/joined_rooms'],
      { worker: expect.stringMatching(/^the least busy/) },
    ],
    [
      ['GET', 'http://example.com/x?y=%2F'],
      { listener: 'http ([::]:80)', outcome: 'redirected to https://example.com/x?y=%2F' },
    ],
    [
      ['GET', 'https://example.com:8448/x'],
      { listener: 'federation ([::]:8448)', outcome: expect.stringMatching(/^refused: 404/) },
    ],
    [['GET', 'https://nobody.test/x'], { outcome: expect.stringMatching(/^refused: 421/) }],
    [['GET', 'https://example.com/.well-known/matrix/client'], { outcome: expect.stringMatching(/well-known/) }],
    [['OPTIONS', SYNC], { outcome: expect.stringMatching(/preflight/) }],
  ])('%j', async (args, expected) => {
    const found = await explained(...args);
    expect({ ...found }).toEqual(expect.objectContaining(withoutAbsent(expected)));
    for (const [name, value] of Object.entries(expected))
      if (value === undefined) expect(found).not.toHaveProperty(name);
  });
});

const withoutAbsent = (expected: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined));

describe('what cannot be asked about is wrong usage', () => {
  it.each([
    [['GET', '/_matrix/client/v3/sync'], /is no URL; write https:/],
    [['GET', 'https://example.com/a#b'], /is no URL/],
    [['G3T!', SYNC], /is no method/],
    [['GET', SYNC, '--from', 'here'], /is no address/],
    [['GET', SYNC, '--user', 'a', '--origin', 'b.test'], /leave out/],
    [['GET'], /missing required argument 'url'/],
  ])('%j', async (args, sentence) => {
    const { code, out, err } = await explain(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(sentence);
  });
});
