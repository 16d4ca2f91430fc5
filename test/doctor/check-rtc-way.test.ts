import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createHttpsExchange } from '../../src/base/create-https-exchange.ts';
import { realSystem } from '../../src/base/system.ts';
import { describeDeployment } from '../../src/cli/doctor/describe-deployment.ts';
import { checkRtcWay } from '../../src/doctor/check-rtc-way.ts';
import { readConfig } from '../app/test-config.ts';
import { makeCertificate } from '../tls/make-certificate.ts';

type Headers = Record<string, string | string[]>;

/** Something before the sidecar, to which the public name leads. */
async function look(token: { status: number; headers: Headers }, offer: number): Promise<string[]> {
  const { keyPem: key, certPem: cert } = makeCertificate({ names: ['m.a.test'] });
  const seen: string[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    seen.push(`${request.method} ${request.headers.host} ${request.url}`);
    response.writeHead(token.status, token.headers).end('{"errcode":"M_BAD_JSON"}');
  });
  server.on('upgrade', (request, socket) => {
    seen.push(`${request.method} ${request.headers.host} ${request.url}`);
    socket.end(`HTTP/1.1 ${offer} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const config = readConfig(
    `servers: [{ server_name: a.test, delegate_to: "m.a.test:443", homeserver: "http://127.0.0.1:1", rtc: { jwt: "http://j:1", sfu: "http://s:1" } }]`,
  );
  const deployment = describeDeployment(config, { homeserverYaml: [], privateAuthority: false });
  const reached = new Map([['m.a.test:443', { address: '127.0.0.1', port, host: 'm.a.test' }]]);
  const https = createHttpsExchange({ system: realSystem });
  const row = checkRtcWay(deployment.servers[0]!, deployment, reached, { https })!;
  const { findings } = await row.run(new AbortController().signal);
  expect(seen).toEqual(['POST m.a.test /livekit/jwt/sfu/get', 'GET m.a.test /livekit/sfu/rtc']);
  return findings.map(({ id }) => id);
}

const ONE = { 'access-control-allow-origin': '*' };

it.each([
  ['nothing, where all comes through', { status: 400, headers: ONE }, 401, []],
  ['the header twice', { status: 400, headers: { 'access-control-allow-origin': ['*', '*'] } }, 401, ['rtc-cors']],
  [
    'the header with two values',
    { status: 400, headers: { 'access-control-allow-origin': '*, *' } },
    401,
    ['rtc-cors'],
  ],
  ['no header', { status: 400, headers: {} }, 401, ['rtc-cors']],
  ['a path that leads nowhere', { status: 404, headers: ONE }, 401, ['rtc-not-routed']],
  ['a proxy that takes no WebSockets', { status: 400, headers: ONE }, 426, ['rtc-websocket']],
  ['a gateway without anybody behind', { status: 400, headers: ONE }, 502, ['rtc-websocket']],
] as const)('the way of a browser shows %s', async (_, token, offer, ids) => {
  expect(await look(token as { status: number; headers: Headers }, offer)).toEqual(ids);
});
