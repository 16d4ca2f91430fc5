import { afterAll, beforeAll, expect, it } from 'vitest';
import { realSystem, type System } from '../../src/base/system.ts';
import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const KEYS = '/_matrix/key/v2/server';
const PATHS = [KEYS, '/_matrix/federation/v1/version', '/_matrix/client/versions'];
const key = createSigningKey('ed25519:1', Buffer.alloc(32, 7));
const DOCUMENT = JSON.stringify(buildKeyDocument('a.test', key, Date.now() + 86_400_000));

let upstream: TestUpstream;
let sidecar: TestSidecar;
let asked = 0;
let silent = false;

/** Nobody waits ten seconds for the first look. */
const hurried: System = {
  ...realSystem,
  setTimer: (ms, fn) => realSystem.setTimer(ms === 10_000 ? 50 : ms, fn),
};

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    asked++;
    if (!silent) response.end(request.url === KEYS ? DOCUMENT : JSON.stringify({ of: request.url }));
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`, {
    system: hurried,
  });
  await until('the sidecar has seen them', () => asked === PATHS.length);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const get = (path: string) =>
  ask(sidecar, path, { headers: { host: 'a.test' }, on: path === PATHS[2] ? 'https' : 'federation' });

it('the homeserver answers itself while it can', async () => {
  const before = asked;
  for (const path of PATHS) expect((await get(path)).headers['cache-status']).toBeUndefined();
  expect(asked - before).toBe(PATHS.length);
});

it('what it said last is given in its place when it takes too long, before peers give up', async () => {
  silent = true;
  const began = performance.now();
  const answer = await get(KEYS);
  expect([answer.status, answer.body.toString()]).toEqual([200, DOCUMENT]);
  expect(performance.now() - began).toBeLessThan(8_000);
  silent = false;
}, 15_000);

it('what it said last is given in its place, marked, while it is away; at once', async () => {
  await upstream.close();
  for (const path of PATHS) {
    const began = performance.now();
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe(path === KEYS ? DOCUMENT : JSON.stringify({ of: path }));
    expect(answer.headers['cache-status']).toBe('matrix-sidecar; hit; detail=homeserver-away');
    expect(Number(answer.headers['age'])).toBeGreaterThanOrEqual(0);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(performance.now() - began).toBeLessThan(1_000);
  }
});
