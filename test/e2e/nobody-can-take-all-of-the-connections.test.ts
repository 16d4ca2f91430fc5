import { Agent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let behindProxy: TestSidecar;
const held: (() => void)[] = [];
const sockets: Stranger[] = [];

const YAML = (
  more: string,
): string => `servers: [{ server_name: a.test, homeserver: "${upstream.url}", delegate_to: "hs.a.test:443" }]
limits: { connections: 40, connections_per_client: 12, idle_connections: 20 }
${more}`;

beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => void held.push(() => response.end('{}')));
  sidecar = await startTestSidecar(YAML(''));
  behindProxy = await startTestSidecar(
    YAML(
      'listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0", proxy_protocol_from: [127.0.0.1] }',
    ),
  );
});
afterEach(async () => {
  for (const { socket } of sockets.splice(0)) socket.destroy();
  for (const answer of held.splice(0)) answer();
  for (const one of [sidecar, behindProxy]) await until('all is quiet', async () => (await open(one)) === 0);
});
afterAll(async () => {
  await sidecar?.close();
  await behindProxy?.close();
  await upstream?.close();
});

interface Stranger {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  closed: boolean;
}

/** A connection on which nothing is said, from an address of its own (127.0.0.0/8 is all ours). */
function stranger(from: string, options: { readonly on?: number; readonly says?: string } = {}): Stranger {
  const socket = connect({ host: '127.0.0.1', port: options.on ?? sidecar.https, localAddress: from });
  const one: Stranger = {
    socket,
    connected: new Promise((resolve) => socket.once('connect', resolve)),
    closed: false,
  };
  socket.on('error', () => {});
  socket.resume();
  socket.once('close', () => {
    one.closed = true;
  });
  if (options.says !== undefined) socket.write(options.says);
  sockets.push(one);
  return one;
}

async function metric(of: TestSidecar, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${of.admin}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}
const open = async (of: TestSidecar): Promise<number> =>
  (await metric(of, 'matrix_sidecar_connections{state="idle"}')) +
  (await metric(of, 'matrix_sidecar_connections{state="active"}'));

const wellKnown = (from: string, agent: Agent | false = false): Promise<{ readonly status: number }> =>
  ask(sidecar, '/.well-known/matrix/server', { headers: { host: 'a.test' }, localAddress: from, agent });

it('one client has its number, and others notice nothing', async () => {
  const before = sidecar.logged.length;
  const many = Array.from({ length: 30 }, () => stranger('127.0.2.1'));
  await until('those beyond are closed', () => many.filter(({ closed }) => closed).length === 18);
  expect((await wellKnown('127.0.2.2')).status).toBe(200);
  expect(await metric(sidecar, 'matrix_sidecar_connections_refused_total{limit="client"}')).toBe(18);
  expect(many.filter(({ closed }) => !closed)).toHaveLength(12);
  // Said once, however often it happens.
  const said = sidecar.logged.slice(before).filter(({ fields }) => fields['code'] === 'connections-of-one-client');
  expect(said.map(({ level, sentence }) => [level, sentence])).toEqual([
    ['warn', '127.0.2.1 has 12 connections open; more are closed.'],
  ]);
});

it('what is idle makes room, the longest idle first, and what is used stays', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await wellKnown('127.0.3.1', agent)).status).toBe(200);
  const first = stranger('127.0.4.1');
  await first.connected;
  for (let index = 2; index <= 60; index++) {
    await stranger(`127.0.4.${index}`).connected;
    if (index % 10 === 0) expect((await wellKnown('127.0.3.1', agent)).status).toBe(200);
  }
  expect(first.closed).toBe(true);
  await until('twenty are left', () => sockets.filter(({ closed }) => !closed).length === 19);
  expect((agent.sockets['x'] ?? []).length).toBe(0);
  expect(await open(sidecar)).toBe(20);
  agent.destroy();
});

it('requests under way keep their connections, whoever comes', async () => {
  const asked = Array.from({ length: 10 }, (_, index) =>
    ask(sidecar, '/_matrix/client/v3/sync', { headers: { host: 'a.test' }, localAddress: `127.0.5.${index + 1}` }),
  );
  await until('they are with the homeserver', () => held.length === 10);
  for (let index = 1; index <= 80; index++) stranger(`127.0.6.${index}`);
  await until('there are too many', () => sockets.filter(({ closed }) => closed).length === 60);
  for (const answer of held.splice(0)) answer();
  for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
});

it('where nothing is idle, newcomers are closed, and as soon as something is, they are served', async () => {
  const asked = Array.from({ length: 40 }, (_, index) =>
    ask(sidecar, '/_matrix/client/v3/sync', {
      headers: { host: 'a.test' },
      localAddress: `127.0.7.${index + 1}`,
    }),
  );
  await until('they are with the homeserver', () => held.length === 40);
  await expect(wellKnown('127.0.8.1')).rejects.toThrow();
  expect(sidecar.logged.some(({ fields }) => fields['code'] === 'connections-full')).toBe(true);
  held.shift()!();
  await Promise.race(asked);
  await pause(20);
  expect((await wellKnown('127.0.8.1')).status).toBe(200);
  for (const answer of held.splice(0)) answer();
  await Promise.all(asked);
});

it('behind a load balancer the client is counted, and the balancer is not', async () => {
  const from = (address: string): Stranger =>
    stranger('127.0.0.1', { on: behindProxy.https, says: `PROXY TCP4 ${address} 192.0.2.1 1000 443\r\n` });
  const others = Array.from({ length: 15 }, (_, index) => from(`198.51.100.${index + 1}`));
  await Promise.all(others.map(({ connected }) => connected));
  await pause(100);
  expect(others.filter(({ closed }) => closed)).toEqual([]);
  for (const { socket } of sockets.splice(0)) socket.destroy();
  await until('all is quiet', async () => (await open(behindProxy)) === 0);
  const one = Array.from({ length: 15 }, () => from('198.51.100.1'));
  await until('those beyond its number are closed', () => one.filter(({ closed }) => closed).length === 3);
});
