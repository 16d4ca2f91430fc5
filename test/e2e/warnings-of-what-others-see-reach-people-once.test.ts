import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../src/admin/status.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { standIn } from '../federation-tester/stand-in.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const TIMES = 2_000;
const start = realSystem.now();
/** Timers of half a minute and more, which are those between looks, are a thousand times as fast; deadlines are not. */
const setTimer: System['setTimer'] = (ms, fn) => realSystem.setTimer(ms < 30_000 ? ms : ms / TIMES, fn);
/** An hour takes some seconds. */
const hasty: System = { ...realSystem, setTimer, now: () => start + (realSystem.now() - start) * TIMES };
/** So does an absence of an hour. */
const impatient: System = { ...realSystem, setTimer, monotonic: () => realSystem.monotonic() * TIMES };

const TOKEN = 'syt_b25jYWxs_abcdefghijklmnopqrst_012345';
interface Heard {
  readonly at: string;
  readonly event: unknown;
  readonly body: Record<string, unknown>;
}

let folder: string;
let port: number;
let homeserver: TestUpstream;
let well: boolean;
let chat: TestUpstream;
let heard: Heard[];
let dns: TestDnsServer;
let isInDns: boolean;
let running: TestSidecar | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outside-'));
  [port] = (await findFreePorts(1)) as [number];
  heard = [];
  well = true;
  isInDns = true;
  dns = await startDnsServer((_name, type) => (type === 'A' && isInDns ? [['A', '127.0.0.1']] : []));
  const matrix = standIn({ serverName: `a.test:${port}`, fetchKeys: () => undefined });
  homeserver = await startHttpUpstream((asked, response) => {
    if (well && asked.url !== '/health') return matrix(asked, response);
    response.writeHead(well ? 200 : 503).end();
  });
  chat = await startHttpUpstream((posted, response) => {
    let text = '';
    posted.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    posted.on('end', () => {
      const body = JSON.parse(text) as Record<string, unknown>;
      heard.push({ at: `${posted.method} ${posted.url}`, event: body['event'] ?? body['msgtype'], body });
      response.end('{}');
    });
  });
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await chat.close();
  await homeserver.close();
  await dns.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(system: System): Promise<TestSidecar> {
  await running?.close();
  running = await startTestSidecar(
    `servers: [{ server_name: "a.test:${port}", homeserver: "${homeserver.url}" }]
listen: { https: "127.0.0.1:0", federation: "127.0.0.1:${port}", http: "127.0.0.1:0", admin: "127.0.0.1:0" }
acme: { resolvers: ["${dns.address}"] }
warnings: { webhook: "${chat.url}/hook", matrix: { homeserver: "${chat.url}", room: "!r:b.test", token: ${TOKEN} } }`,
    { folder, system },
  );
  return running;
}

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: running!.admin, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.once('end', () => resolve(body));
    })
      .once('error', reject)
      .end();
  });
}
const readWarnings = async () => (JSON.parse(await read('/api/status')) as Status).warnings;
/** What is noted in the store of the first look. */
async function isProven(): Promise<boolean> {
  const looks = join(folder, 'certs', 'looks');
  // What is being written lies beside it under another name.
  const [file] = (await readdir(looks).catch(() => [])).filter((name) => !name.startsWith('.'));
  return file !== undefined && (await readFile(join(looks, file), 'utf8')).includes('"proven":true');
}

const events = (): unknown[] => heard.map(({ event }) => event).toSorted();

describe('people are told once, on each way, and once that it is over', () => {
  it('of a server that others do not find any more, over a restart', async () => {
    await run(hasty);
    await until('it was seen well', isProven, 20_000);
    isInDns = false;
    await until('people are told', () => heard.length === 2, 20_000);
    expect(events()).toEqual(['began', 'm.text']);
    expect(heard.find(({ event }) => event === 'began')?.body).toMatchObject({
      ...{ about: 'federation', level: 'broken', names: [`a.test:${port}`] },
      message: expect.stringMatching(/^Other servers cannot federate with a\.test:\d+\. A host that .* has no address/),
      fix: expect.stringMatching(/\w/),
    });
    expect(heard.find(({ event }) => event === 'm.text')?.at).toMatch(
      /^PUT \/_matrix\/client\/v3\/rooms\/!r%3Ab\.test\/send\/m\.room\.message\/[0-9a-f]{32}$/,
    );
    expect(await readWarnings()).toMatchObject([{ about: 'federation', sentence: expect.stringContaining('a.test') }]);
    expect(await read('/metrics')).toContain('matrix_sidecar_warnings{about="federation"} 1\n');
    expect(JSON.stringify(running!.logged)).not.toContain(TOKEN);

    await run(hasty);
    await until('it is known', async () => (await readWarnings()).length === 1, 10_000);
    await pause(300);
    expect(heard).toHaveLength(2);
    isInDns = true;
    await until('people are told that it is over', () => heard.length === 4, 20_000);
    expect(events()).toEqual(['began', 'm.notice', 'm.text', 'over']);
    expect(await readWarnings()).toEqual([]);
  }, 60_000);

  it('of a homeserver that is down for long, and not of its restart', async () => {
    await run(impatient);
    await pause(200);
    well = false;
    await until('people are told', () => heard.length === 2, 20_000);
    expect(await readWarnings()).toMatchObject([{ about: 'homeserver', level: 'down' }]);
    await running!.reload(`servers: [{ server_name: "a.test:${port}", homeserver: "${homeserver.url}" }]
listen: { https: "127.0.0.1:0", federation: "127.0.0.1:${port}", http: "127.0.0.1:0", admin: "127.0.0.1:${running!.admin}" }
warnings: { webhook: "${chat.url}/hook" }`);
    await pause(200);
    expect(heard).toHaveLength(2);
    well = true;
    await until('people are told that it is over', () => heard.length === 3, 20_000);
    expect(heard[2]?.body).toMatchObject({ event: 'over', message: expect.stringMatching(/is back/) });
  }, 60_000);
});
