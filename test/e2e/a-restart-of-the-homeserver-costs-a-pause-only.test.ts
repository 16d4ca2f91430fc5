import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, openRequest, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const SEND = '/_matrix/federation/v1/send/1234';

interface Homeserver {
  readonly sidecar: TestSidecar;
  readonly seen: readonly string[];
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A homeserver that can be stopped and started again at its address; it answers with the hash of the body. */
async function setUp(
  { onTestFinished }: TestContext,
  limits = '',
  answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<Homeserver> {
  const seen: string[] = [];
  let port = 0;
  let upstream: TestUpstream | undefined;
  const start = async (): Promise<void> => {
    upstream = await startHttpUpstream(
      (request, response) => {
        const hash = createHash('sha256');
        request.on('data', (chunk: Buffer) => hash.update(chunk));
        request.on('end', () => {
          if (request.url !== '/health') seen.push(`${request.method} ${request.url}`);
          if (answer(request, response)) return;
          response.end(JSON.stringify({ hash: hash.digest('hex') }));
        });
      },
      { port },
    );
    port = upstream.port;
  };
  await start();
  const sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:${port}" }]\n${limits}`,
  );
  onTestFinished(async () => {
    await sidecar.close();
    await upstream?.close();
  });
  return { sidecar, seen, start, stop: async () => upstream?.close() };
}

const hashOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

const sized = (body: Buffer): readonly string[] => ['Content-Length', String(body.length)];

describe.each(VERSIONS)('over %s', (version) => {
  it('requests wait for a homeserver that is away and are answered by it, bodies whole', async (context) => {
    const { sidecar, start, stop } = await setUp(context);
    await stop();
    const small = Buffer.alloc(1_000, 'a');
    const large = Buffer.alloc(3_000_000, 'b');
    const waiting = [
      exchangeWhole(sidecar, version, { path: '/_matrix/client/v3/sync' }),
      exchangeWhole(sidecar, version, { method: 'PUT', path: SEND, body: small, headers: sized(small) }),
      exchangeWhole(sidecar, version, { method: 'POST', path: '/_matrix/client/v3/createRoom', body: small }),
      exchangeWhole(sidecar, version, { method: 'PUT', path: SEND, body: large }),
    ];
    await pause(700);
    await start();
    const answers = await Promise.all(waiting);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const expected = [Buffer.alloc(0), small, small, large].map(hashOf);
    expect(answers.map((answer) => answer.json().hash)).toEqual(expected);
  });

  it('what was under way when it died is sent again where Matrix says that this is safe, and only there', async (context) => {
    let dying = true;
    const { sidecar, seen, start, stop } = await setUp(context, '', () => dying);
    const body = Buffer.from('{}');
    const ask = (method: string, path: string) =>
      exchangeWhole(sidecar, version, { method, path, ...(method === 'GET' ? {} : { body, headers: sized(body) }) });
    const cases: readonly [string, string, number][] = [
      ['GET', '/_matrix/client/v3/sync', 200],
      ['PUT', SEND, 200],
      ['PUT', '/_matrix/client/v3/rooms/!a/send/m.room.message/1', 200],
      ['PUT', '/_matrix/client/v3/sendToDevice/m.a/2', 200],
      ['POST', '/_matrix/federation/v1/user/keys/query', 200],
      ['POST', '/_matrix/client/v3/rooms/!a/receipt/m.read/$e', 200],
      ['POST', '/_matrix/client/v3/rooms/!a/read_markers', 200],
      ['POST', '/_matrix/federation/v1/user/keys/claim', 408],
      ['POST', '/_matrix/client/v3/createRoom', 502],
      ['DELETE', '/_matrix/client/v3/devices/A', 502],
    ];
    const waiting = cases.map(([method, path]) => ask(method, path));
    await until('all requests arrived', () => seen.length === cases.length);
    dying = false;
    await stop();
    await pause(300);
    await start();
    const answers = await Promise.all(waiting);
    expect(answers.map(({ status }, index) => [...cases[index]!.slice(0, 2), status])).toEqual(cases);
    const safe = cases.filter(([, , status]) => status === 200).length;
    expect(seen.length - cases.length).toBe(safe);
  });
});

it('a request waits no longer than its endpoint allows, and no longer than configured', async (context) => {
  const { sidecar, stop } = await setUp(context, 'limits: { hold: 1s }');
  await stop();
  const began = performance.now();
  const { status, headers } = await ask(sidecar, SEND, { headers: { host: 'a.test' } });
  expect([status, headers['retry-after']]).toEqual([502, '5']);
  expect(performance.now() - began).toBeGreaterThan(950);
});

it('what waited in vain is answered so as to do least harm to how others see this server', async (context) => {
  const { sidecar, stop } = await setUp(context, 'limits: { hold: 1s }');
  await stop();
  const cases: readonly [string, string, number][] = [
    ['POST', '/_matrix/federation/v1/user/keys/query', 408],
    ['POST', '/_matrix/federation/v1/user/keys/claim', 408],
    ['GET', '/_matrix/federation/v1/user/devices/@a:a.test', 408],
    ['GET', '/_matrix/federation/v1/query/profile?user_id=@a:a.test', 408],
    ['GET', '/_matrix/federation/v1/make_join/!r/@a:b.test', 502],
    ['PUT', SEND, 502],
    ['POST', '/_matrix/client/v3/keys/query', 502],
  ];
  const answers = await Promise.all(
    cases.map(([method, path]) => {
      const body = method === 'GET' ? {} : { body: '{}' };
      return ask(sidecar, path, { method, headers: { host: 'a.test' }, ...body });
    }),
  );
  expect(answers.map(({ status }, index) => [...cases[index]!.slice(0, 2), status])).toEqual(cases);
  expect(answers[0]!.headers['retry-after']).toBe('5');
  expect(answers[0]!.json().errcode).toBe('M_UNKNOWN');
});

it('nothing waits where holding is switched off', async (context) => {
  const { sidecar, stop } = await setUp(context, 'limits: { hold: 0s }');
  await stop();
  const began = performance.now();
  expect((await ask(sidecar, SEND, { headers: { host: 'a.test' } })).status).toBe(502);
  expect(performance.now() - began).toBeLessThan(900);
});

it('own documents do not wait', async (context) => {
  const { sidecar, stop } = await setUp(context);
  await stop();
  const waiting = ask(sidecar, SEND, { headers: { host: 'a.test' } }).catch(() => undefined);
  await until('it is away', () => sidecar.logged.some(({ sentence }) => sentence.includes('Requests wait for it')));
  const answer = await ask(sidecar, '/.well-known/matrix/client', { headers: { host: 'a.test' } });
  expect(answer.status).toBe(200);
  await sidecar.close();
  await waiting;
});

it('a client that leaves while it waits leaves nothing behind', async (context) => {
  const { sidecar, seen, start, stop } = await setUp(context);
  await stop();
  const leaving = openRequest(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' });
  const staying = exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/client/versions' });
  await pause(400);
  leaving.leave();
  await pause(100);
  await start();
  expect((await staying).status).toBe(200);
  await pause(200);
  expect(seen).toEqual(['GET /_matrix/client/versions']);
});

it('the status and the metrics show who is away, what waits, and what became of it', async (context) => {
  const { sidecar, start, stop } = await setUp(context);
  await stop();
  const waiting = [1, 2].map(() => exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' }));
  await until('both wait', () => sidecar.sidecar.status().servers[0]?.requests_held === 2);
  const { away_seconds: away } = sidecar.sidecar.status().servers[0]!;
  expect(away).toBeGreaterThanOrEqual(0);
  const homeserver = `homeserver="${sidecar.config.servers[0]!.homeserver.text}"`;
  const scrape = async () => (await fetch(`http://127.0.0.1:${sidecar.admin}/metrics`)).text();
  const during = await scrape();
  expect(during).toContain(`matrix_sidecar_homeserver_away{${homeserver}} 1`);
  expect(during).toContain(`matrix_sidecar_requests_held{${homeserver}} 2`);
  const leaving = openRequest(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' });
  await until('a third waits', () => sidecar.sidecar.status().servers[0]?.requests_held === 3);
  leaving.leave();
  await until('it has left', () => sidecar.sidecar.status().servers[0]?.requests_held === 2);
  await start();
  await Promise.all(waiting);
  const after = await scrape();
  expect(after).toContain(`matrix_sidecar_homeserver_away{${homeserver}} 0`);
  expect(after).toContain(`matrix_sidecar_requests_held_total{${homeserver},outcome="released"} 2`);
  expect(after).toContain(`matrix_sidecar_requests_held_total{${homeserver},outcome="left"} 1`);
  expect(after).toContain('matrix_sidecar_requests_saved_total{by="hold"} 2');
  expect(sidecar.sidecar.status().servers[0]).toMatchObject({ away_seconds: null, requests_held: 0 });
});

it('the line of a request says how long it was held, and that it was saved', async (context) => {
  const { sidecar, start, stop } = await setUp(context, 'log: { requests: all }');
  await stop();
  const authorization = 'X-Matrix origin="b.test",key="ed25519:1",sig="x"';
  const path = '/_matrix/federation/v1/event/$x';
  const waiting = exchangeWhole(sidecar, 'HTTP/1.1', { path, headers: ['Authorization', authorization] });
  await until('it waits', () => sidecar.sidecar.status().servers[0]?.requests_held === 1);
  await pause(100);
  await start();
  expect((await waiting).status).toBe(200);
  const find = () => sidecar.logged.find(({ sentence }) => sentence === 'request')?.fields;
  await until('it has its line', () => find() !== undefined);
  expect(find()).toMatchObject({
    surface: 'federation',
    server: 'a.test',
    origin: 'b.test',
    saved_by: 'hold',
    status: 200,
  });
  expect(find()?.['held_ms']).toBeGreaterThanOrEqual(90);
});

it('the log says once that it is away and once that it is back, and what that came to', async (context) => {
  const { sidecar, start, stop } = await setUp(context);
  await stop();
  const waiting = [1, 2, 3].map(() => exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' }));
  await pause(400);
  await start();
  await Promise.all(waiting);
  await until('it is back', () => sidecar.logged.some(({ sentence }) => sentence.includes('is back')));
  const lines = sidecar.logged.filter(({ sentence }) => /homeserver/.test(sentence));
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  expect(lines[0]!.sentence).toMatch(/cannot be reached: .*ECONNREFUSED.* Requests wait for it\.$/);
  expect(lines[1]!.fields).toMatchObject({ saved: 3, expired: 0 });
});
