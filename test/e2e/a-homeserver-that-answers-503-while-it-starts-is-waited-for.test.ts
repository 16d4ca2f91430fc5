import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, openRequest, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const SEND = '/_matrix/federation/v1/send/1234';
const body = Buffer.from('{"pdus":[]}');
const withBody = { body, headers: ['Content-Length', String(body.length)] };

interface Homeserver {
  readonly sidecar: TestSidecar;
  readonly upstream: TestUpstream;
  /** What is answered from now on. */
  says: { health: number; rest: number };
  /** Request lines; without those for /health in `seen`. */
  readonly seen: string[];
  probes: number;
}

/** A homeserver, or a balancer in front of its workers, that says what it is told to say. */
async function setUp({ onTestFinished }: TestContext, limits = ''): Promise<Homeserver> {
  const homeserver = { says: { health: 200, rest: 200 }, seen: [] as string[], probes: 0 };
  const upstream = await startHttpUpstream((request, response) => {
    const isProbe = request.url === '/health';
    if (isProbe) homeserver.probes++;
    else homeserver.seen.push(`${request.method} ${request.url}`);
    request.resume().on('end', async () => {
      if (request.url?.includes('slow') === true) await pause(400);
      response.writeHead(isProbe ? homeserver.says.health : homeserver.says.rest, { 'X-From': 'homeserver' });
      response.end(isProbe ? 'OK' : `{"n":${homeserver.seen.length}}`);
    });
  });
  const sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\n${limits}`,
  );
  onTestFinished(async () => {
    await sidecar.close();
    await upstream.close();
  });
  return Object.assign(homeserver, { sidecar, upstream });
}

describe.each(VERSIONS)('over %s', (version) => {
  it.for([502, 503, 504])(
    'requests that may be repeated wait where it says %i and is not healthy',
    async (status, context) => {
      const homeserver = await setUp(context);
      homeserver.says = { health: 503, rest: status };
      const waiting = [
        exchangeWhole(homeserver.sidecar, version, { path: '/_matrix/client/v3/sync' }),
        exchangeWhole(homeserver.sidecar, version, { method: 'HEAD', path: '/_matrix/client/v3/sync' }),
        exchangeWhole(homeserver.sidecar, version, { method: 'PUT', path: SEND, ...withBody }),
      ];
      await until('all were refused', () => homeserver.seen.length === 3);
      await pause(300);
      homeserver.says = { health: 200, rest: 200 };
      expect((await Promise.all(waiting)).map((answer) => [answer.status, answer.all('x-from')])).toEqual([
        [200, ['homeserver']],
        [200, ['homeserver']],
        [200, ['homeserver']],
      ]);
      expect(homeserver.seen).toHaveLength(6);
    },
  );

  it('one whose refusal comes after that is known waits too', async (context) => {
    const homeserver = await setUp(context);
    homeserver.says = { health: 503, rest: 503 };
    const paths = ['/_matrix/client/v3/slow', '/_matrix/client/v3/quick'];
    const waiting = paths.map((path) => exchangeWhole(homeserver.sidecar, version, { path }));
    await pause(700);
    homeserver.says = { health: 200, rest: 200 };
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('what may not be repeated hears what it said', async (context) => {
    const homeserver = await setUp(context);
    homeserver.says = { health: 503, rest: 503 };
    const { status, all } = await exchangeWhole(homeserver.sidecar, version, {
      method: 'POST',
      path: '/_matrix/client/v3/createRoom',
      ...withBody,
    });
    expect([status, all('x-from')]).toEqual([503, ['homeserver']]);
  });

  it('a 502 of a homeserver that is healthy is its answer', async (context) => {
    const homeserver = await setUp(context);
    homeserver.says = { health: 200, rest: 502 };
    for (let count = 0; count < 3; count++) {
      const path = '/_matrix/client/v3/profile/@a:b.test';
      const { status, json } = await exchangeWhole(homeserver.sidecar, version, { path });
      expect([status, json()]).toEqual([502, { n: count + 1 }]);
    }
    // Not one more for each.
    expect(homeserver.probes).toBe(1);
  });

  it('a client that leaves while its answer is doubted leaves nothing behind', async (context) => {
    const homeserver = await setUp(context);
    homeserver.says = { health: 503, rest: 503 };
    const leaving = openRequest(homeserver.sidecar, version, { path: '/_matrix/client/v3/sync' });
    await until('it was refused', () => homeserver.seen.length === 1);
    leaving.leave();
    await pause(100);
    homeserver.says = { health: 200, rest: 200 };
    const { status } = await exchangeWhole(homeserver.sidecar, version, { path: '/_matrix/client/v3/login' });
    expect([status, homeserver.seen.length]).toEqual([200, 2]);
  });
});

it('nothing is doubted where holding is switched off', async (context) => {
  const homeserver = await setUp(context, 'limits: { hold: 0s }');
  homeserver.says = { health: 503, rest: 503 };
  const { status } = await exchangeWhole(homeserver.sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' });
  expect([status, homeserver.probes]).toEqual([503, 0]);
});

it('a request that waits for it in vain is told so', async (context) => {
  const homeserver = await setUp(context, 'limits: { hold: 1s }');
  homeserver.says = { health: 503, rest: 503 };
  const { status, all } = await exchangeWhole(homeserver.sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/sync' });
  expect([status, all('retry-after')]).toEqual([502, ['5']]);
});
