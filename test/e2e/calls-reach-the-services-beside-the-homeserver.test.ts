import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { expect, it, onTestFinished, type TestContext } from 'vitest';
import { explainRequest } from '../../src/app/explain-request.ts';
import { type Answer, type Ask, ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { startInstance } from '../harness/instances.ts';
import { type RtcDouble, startLiveKit, startLkJwt } from '../harness/rtc-services.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';

const FOCI = 'org.matrix.msc4143.rtc_foci';
const ORIGIN = 'https://call.test';

interface Ground {
  readonly sidecar: TestSidecar;
  readonly jwt: RtcDouble;
  readonly sfu: RtcDouble;
  /** With `rtc` written so. */
  write(rtc: string): string;
  /** A browser's request at that host. */
  at(host: string, path: string, options?: Ask): Promise<Answer>;
}

async function setUp(context: Pick<TestContext, 'onTestFinished'>, host: string | undefined): Promise<Ground> {
  const [main, jwt, sfu] = await Promise.all([
    startInstance(context, 'homeserver'),
    startLkJwt(context),
    startLiveKit(context),
  ]);
  const write = (rtc: string): string =>
    `servers: [{ server_name: a.test, delegate_to: "m.a.test:443", homeserver: "${main.url}"${rtc} }]`;
  const own = host === undefined ? '' : `, host: ${host}`;
  const sidecar = await startTestSidecar(write(`, rtc: { jwt: "${jwt.url}", sfu: "${sfu.url}"${own} }`));
  context.onTestFinished(() => sidecar.close());
  const at: Ground['at'] = (name, path, options = {}) =>
    ask(sidecar, path, { ...options, servername: name, headers: { host: name, origin: ORIGIN, ...options.headers } });
  return { sidecar, jwt, sfu, write, at };
}

/** How often a field came. */
const count = (answer: Answer, name: string): number =>
  answer.rawHeaders.filter((field, index) => index % 2 === 0 && field.toLowerCase() === name).length;

/** Opens a WebSocket and sends a frame; resolves with the status and what came back on it. */
function openWebSocket(sidecar: TestSidecar, host: string, path: string): Promise<[number, string]> {
  const key = randomBytes(16).toString('base64');
  const headers = {
    ...{ host, origin: ORIGIN, connection: 'Upgrade', upgrade: 'websocket' },
    ...{ 'sec-websocket-version': '13', 'sec-websocket-key': key },
  };
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ host: '127.0.0.1', port: sidecar.https, servername: host, ca: sidecar.ca, agent: false, path, headers },
    });
    sent.on('error', reject);
    sent.on('response', ({ statusCode = 0 }) => {
      sent.destroy();
      resolve([statusCode, '']);
    });
    sent.on('upgrade', (response, socket: Socket) => {
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      expect(response.headers['sec-websocket-accept']).toBe(accept);
      socket.once('data', (chunk) => {
        socket.destroy();
        resolve([response.statusCode ?? 0, chunk.toString()]);
      });
      socket.write('\x82\x05hello');
    });
    sent.end();
  });
}

it.each([
  ['on the host of the homeserver, below a prefix', undefined, 'm.a.test', '/livekit/jwt', '/livekit/sfu'],
  ['on a host of their own, at its root', 'rtc.a.test', 'rtc.a.test', '', ''],
  ['on a host of their own, below the same prefixes', 'rtc.a.test', 'rtc.a.test', '/livekit/jwt', '/livekit/sfu'],
])('calls are possible %s', async (_, own, host, jwtBase, sfuBase) => {
  const { sidecar, jwt, sfu, at } = await setUp({ onTestFinished }, own);
  const client = (await at('a.test', '/.well-known/matrix/client')).json();
  expect(client[FOCI]).toEqual([{ type: 'livekit', livekit_service_url: `https://${host}/livekit/jwt` }]);

  const preflight = await at(host, `${jwtBase}/sfu/get`, { method: 'OPTIONS' });
  expect([preflight.status, count(preflight, 'access-control-allow-origin')]).toEqual([200, 1]);
  expect(preflight.headers['access-control-allow-methods']).toBe('POST');
  for (const path of ['/sfu/get', '/get_token?x=1']) {
    const token = await at(host, `${jwtBase}${path}`, { method: 'POST', body: '{"room":"!r:a.test"}' });
    expect([token.status, token.json()['jwt']]).toEqual([200, 'a.b.c']);
    expect(count(token, 'access-control-allow-origin')).toBe(1);
  }
  expect(jwt.seen).toEqual(['OPTIONS /sfu/get', 'POST /sfu/get', 'POST /get_token?x=1']);
  expect(new Set(jwt.hosts)).toEqual(new Set([host]));

  const socket = await openWebSocket(sidecar, host, `${sfuBase}/rtc?access_token=x%2Fy`);
  expect(socket).toEqual([101, '\x82\x05hello']);
  expect(await openWebSocket(sidecar, host, `${sfuBase}/rtc/v1`)).toEqual([401, '']);
  const validated = await at(host, `${sfuBase}/rtc/validate?access_token=x`);
  expect([validated.status, count(validated, 'access-control-allow-origin')]).toEqual([200, 1]);
  const twirp = await at(host, `${sfuBase}/twirp/livekit.RoomService/CreateRoom`, {
    ...{ method: 'POST', body: '{}', headers: { authorization: 'Bearer x' } },
  });
  expect(twirp.status).toBe(200);
  expect(sfu.seen).toEqual([
    'GET /rtc?access_token=x%2Fy',
    'GET /rtc/v1',
    'GET /rtc/validate?access_token=x',
    'POST /twirp/livekit.RoomService/CreateRoom',
  ]);
  expect((await at('m.a.test', '/_matrix/client/versions')).body.toString()).toBe('homeserver');
});

it('a service that is away is waited for, a WebSocket is told at once, and the token in its query is in no log', async (context) => {
  const { sidecar, jwt, sfu, at } = await setUp(context, undefined);
  await Promise.all([jwt.stop(), sfu.stop()]);
  const waiting = at('m.a.test', '/livekit/jwt/sfu/get', { method: 'POST', body: '{"room":"!r:a.test"}' });
  expect((await openWebSocket(sidecar, 'm.a.test', '/livekit/sfu/rtc?access_token=hunter2'))[0]).toBe(502);
  const line = sidecar.logged.find(({ fields }) => fields['path'] === '/livekit/sfu/rtc');
  expect(line?.fields).toMatchObject({ status: 502, surface: 'rtc' });
  expect(JSON.stringify(sidecar.logged)).not.toContain('hunter2');
  expect((await at('m.a.test', '/_matrix/client/versions')).status).toBe(200);
  await jwt.start();
  expect((await waiting).status).toBe(200);
});

it('over HTTP/2 as well, tokens are asked for without their prefix', async (context) => {
  const { sidecar, jwt } = await setUp(context, undefined);
  const session = openHttp2(sidecar);
  context.onTestFinished(() => session.destroy());
  const common = { ':authority': 'm.a.test', ':path': '/livekit/jwt/get_token', origin: ORIGIN };
  const preflight = await askHttp2(session, { ...common, ':method': 'OPTIONS' });
  const token = await askHttp2(session, { ...common, ':method': 'POST' }, '{"room":"!r:a.test"}');
  expect([preflight.status, token.status, token.headers['access-control-allow-origin']]).toEqual([200, 200, '*']);
  expect(jwt.seen).toEqual(['OPTIONS /get_token', 'POST /get_token']);
});

it('a reload moves them, or takes them away, and explain says the same', async (context) => {
  const { sidecar, jwt, sfu, write, at } = await setUp(context, undefined);
  const services = `jwt: "${jwt.url}", sfu: "${sfu.url}"`;
  const explain = async (host: string, yaml: string) =>
    Object.fromEntries(
      explainRequest(
        {
          ...{ listener: 'https', method: 'POST', target: '/livekit/jwt/sfu/get?x', headers: [], authority: host },
          ...{ serverName: host, clientAddress: '127.0.0.1' },
        },
        await sidecar.read(yaml),
      ),
    );
  const said = await explain('m.a.test', write(`, rtc: { ${services} }`));
  expect(said).toMatchObject({
    'service for calls': jwt.url,
    'asked there for': '/sfu/get?x',
    answer: 'begins within 2m, or 504',
  });
  await sidecar.reload(write(`, rtc: { ${services}, host: rtc.a.test }`));
  expect((await at('m.a.test', '/livekit/jwt/healthz')).status).toBe(404);
  expect((await at('rtc.a.test', '/healthz')).status).toBe(200);
  await sidecar.reload(write(''));
  expect((await at('m.a.test', '/livekit/jwt/healthz')).status).toBe(404);
});
