import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ask, ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let polls: ServerResponse[] = [];

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    if (request.url?.includes('/sync') === true) polls.push(response);
    else response.end('{}');
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

it('a thousand requests one after the other use one connection to the homeserver', async () => {
  const before = upstream.accepted();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let index = 0; index < 500; index++) {
    const options: Ask = { agent };
    expect((await ask(sidecar, '/_matrix/x', options)).status).toBe(200);
  }
  agent.destroy();
  const session = openHttp2(sidecar);
  for (let index = 0; index < 500; index++)
    expect((await askHttp2(session, { ':path': '/_matrix/x', ':authority': 'a.test' })).status).toBe(200);
  session.close();
  expect(upstream.accepted() - before).toBeLessThanOrEqual(1);
});

it('small bodies, errors and answers without a body do not cost a connection either', async () => {
  await ask(sidecar, '/_matrix/x');
  const before = upstream.accepted();
  for (let index = 0; index < 5; index++) {
    await ask(sidecar, '/_matrix/x', { method: 'PUT', body: '{}', headers: { 'Content-Length': 2 } });
    await ask(sidecar, '/_matrix/x', { method: 'PUT', headers: { 'Content-Length': 0 } });
  }
  expect(upstream.accepted() - before).toBe(0);
});

it('what could not be sent again, were its connection just being closed, goes out on a fresh one', async () => {
  await ask(sidecar, '/_matrix/x');
  const before = upstream.accepted();
  await ask(sidecar, '/_matrix/x', { method: 'POST', body: '{}', headers: { 'Content-Length': 2 } });
  await ask(sidecar, '/_matrix/x', { method: 'PUT', body: '{}', headers: { 'Transfer-Encoding': 'chunked' } });
  expect(upstream.accepted() - before).toBe(2);
  // They are as good as any other afterwards.
  await ask(sidecar, '/_matrix/x');
  expect(upstream.accepted() - before).toBe(2);
});

it('500 long polls are held open at once, and small requests pass beside them as fast as ever', async () => {
  const sessions = Array.from({ length: 3 }, () => openHttp2(sidecar));
  const path = '/_matrix/client/v3/sync?timeout=30000';
  const waiting = [
    ...sessions.flatMap((session) =>
      Array.from({ length: 100 }, () => askHttp2(session, { ':path': path, ':authority': 'a.test' })),
    ),
    ...Array.from({ length: 200 }, () => ask(sidecar, path)),
  ];
  await until('all of them at the homeserver', () => polls.length === 500, 15_000);
  const session = openHttp2(sidecar);
  const before = upstream.accepted();
  const began = performance.now();
  for (let index = 0; index < 100; index++)
    expect((await askHttp2(session, { ':path': '/_matrix/x', ':authority': 'a.test' })).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(4_000);
  expect(upstream.accepted() - before).toBeLessThanOrEqual(1);
  for (const poll of polls) poll.end('{"next_batch":"s1"}');
  const answers = await Promise.all(waiting);
  expect(new Set(answers.map((answer) => `${answer.status} ${answer.body.toString()}`))).toEqual(
    new Set(['200 {"next_batch":"s1"}']),
  );
  for (const one of [session, ...sessions]) one.close();
  polls = [];
});

it('the connections of a burst serve the next burst', async () => {
  const burst = async (): Promise<void> => {
    const session = openHttp2(sidecar);
    const waiting = Array.from({ length: 50 }, () =>
      askHttp2(session, { ':path': '/_matrix/client/v3/sync', ':authority': 'a.test' }),
    );
    await until('all of them at the homeserver', () => polls.length === 50);
    for (const poll of polls) poll.end('{}');
    await Promise.all(waiting);
    polls = [];
    session.close();
  };
  await burst();
  const before = upstream.accepted();
  await burst();
  expect(upstream.accepted() - before).toBeLessThanOrEqual(5);
});

describe.each(VERSIONS)('over %s', (version) => {
  it('a homeserver on a unix socket is reached as any other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'unix-'));
    const path = join(folder, 'main.sock');
    let host: string | undefined;
    const unix = await startHttpUpstream(
      (request, response) => {
        host = request.headers.host;
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => response.end(Buffer.concat(chunks)));
      },
      { path },
    );
    const on = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "unix:${path}" }]`);
    for (const size of [2, 1_000_000]) {
      const body = Buffer.alloc(size, 'x');
      const answer = await exchangeWhole(on, version, { method: 'POST', body });
      expect([answer.status, answer.body.equals(body), host]).toEqual([200, true, 'a.test']);
    }
    // Bodies that are not declared, or large, go out on a fresh connection.
    expect(unix.accepted()).toBe(2);
    await on.close();
    await unix.close();
    await rm(folder, { recursive: true });
  });
});
