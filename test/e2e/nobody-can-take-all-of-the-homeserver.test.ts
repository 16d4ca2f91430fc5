import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Answer, ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

interface Held {
  readonly path: string;
  readonly response: ServerResponse;
}

let upstream: TestUpstream;
let sidecar: TestSidecar;
const held: Held[] = [];
const underWay = new Set<Promise<Answer>>();

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => void held.push({ path: request.url ?? '', response }));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
routes: { trusted_proxies: 127.0.0.1 }
limits: { requests_per_client: 10, requests_per_origin: 2, federation_requests: 5 }`);
});
afterEach(async () => {
  const outcomes = Promise.all(underWay);
  while (held.length > 0 || sidecar.sidecar.status().requests_in_flight > 0) {
    for (const { response } of held.splice(0)) response.end('{}');
    await pause(5);
  }
  await outcomes;
  underWay.clear();
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

function send(path: string, headers: Record<string, string>): Promise<Answer> {
  const answer = ask(sidecar, path, { headers: { host: 'a.test', ...headers } });
  underWay.add(answer);
  return answer;
}
const fromClient = (address: string) => send('/_matrix/client/v3/sync', { 'x-forwarded-for': address });
const fromServer = (origin: string, name: string, address = '192.0.2.9') =>
  void send(`/_matrix/federation/v1/event/${name}`, {
    authorization: `X-Matrix origin="${origin}",destination="a.test",key="ed25519:1",sig="x"`,
    'x-forwarded-for': address,
  });
const arrived = () => held.map(({ path }) => path.split('/').at(-1));
const many = (count: number, start: () => Promise<Answer>) => Array.from({ length: count }, start);

it('a client with too much under way is told when to come again, in Matrix terms, and others notice nothing', async () => {
  many(10, () => fromClient('192.0.2.1'));
  await until('the homeserver has its share', () => held.length === 10);
  const refused = await fromClient('192.0.2.1');
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '2']);
  expect(refused.json()).toEqual({ errcode: 'M_LIMIT_EXCEEDED', error: expect.any(String), retry_after_ms: 2000 });
  expect(refused.headers['access-control-allow-origin']).toBe('*');
  void fromClient('192.0.2.2');
  await until('another client is served', () => held.length === 11);
});

it('an IPv6 client is known by the first half of its address', async () => {
  many(5, () => fromClient('2001:db8::1'));
  many(5, () => fromClient('2001:db8:0:0:1:2:3:4'));
  await until('the homeserver has its share', () => held.length === 10);
  expect((await fromClient('2001:db8::ffff')).status).toBe(429);
  void fromClient('2001:db8:0:1::1');
  await until('its neighbour is served', () => held.length === 11);
});

it('an answer makes room for the next request', async () => {
  many(10, () => fromClient('192.0.2.3'));
  await until('the homeserver has its share', () => held.length === 10);
  held.shift()!.response.end('{}');
  await until('there is room', () => sidecar.sidecar.status().requests_in_flight === 9);
  void fromClient('192.0.2.3');
  await until('it is taken', () => held.length === 10);
});

it('requests of one server wait behind its own, and in front of nobody else', async () => {
  for (const name of ['a1', 'a2', 'a3', 'a4']) void fromServer('busy.test', name);
  await until('two are with the homeserver', () => held.length === 2);
  void fromServer('other.test', 'b1');
  await until('the other server is served', () => held.length === 3);
  await pause(50);
  expect(arrived().toSorted()).toEqual(['a1', 'a2', 'b1']);
  held.shift()!.response.end('{}');
  await until('the next of the busy one follows', () => held.length === 3);
  expect(arrived()).toContain('a3');
});

it('whoever sends no signature is known by its network', async () => {
  for (let index = 0; index < 3; index++) void send('/_matrix/key/v2/query', { 'x-forwarded-for': '198.51.100.1' });
  await until('two are with the homeserver', () => held.length === 2);
  await pause(50);
  expect(held).toHaveLength(2);
});

it('all servers together leave room for clients', async () => {
  for (let index = 0; index < 9; index++) void fromServer(`s${index}.test`, `s${index}`, `192.0.2.${20 + index}`);
  await until('five are with the homeserver', () => held.length === 5);
  void fromClient('192.0.2.4');
  await until('the client is served', () => held.length === 6);
  await pause(50);
  expect(held).toHaveLength(6);
});
