import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type RtcDouble, startLiveKit, startLkJwt } from '../harness/rtc-services.ts';
import { startHttpUpstream } from '../harness/upstream.ts';
import { type DoctorBench, openDoctorBench, usualServers } from './doctor-bench.ts';

let bench: DoctorBench;
let jwt: RtcDouble;
let sfu: RtcDouble;
beforeEach(async () => {
  [bench, jwt, sfu] = await Promise.all([
    openDoctorBench(),
    startLkJwt({ onTestFinished }),
    startLiveKit({ onTestFinished }),
  ]);
});
afterEach(() => bench.close());

const ROWS = /^(rtc|reach)/;
const ALL = ['rtc-jwt:example.test', 'rtc-sfu:example.test', 'rtc:example.test'];
const write = (places: string, more = ''): void =>
  bench.configure(`${usualServers(bench.ports)}    rtc: { ${places} }\n${more}`);
const services = (): string => `jwt: "${jwt.url}", sfu: "${sfu.url}"`;

/** Something in place of a service that answers everything so. */
async function startOther(status: number, headers: Record<string, string | string[]> = {}, body = ''): Promise<string> {
  const other = await startHttpUpstream((_, response) => void response.writeHead(status, headers).end(body));
  onTestFinished(() => other.close());
  return other.url;
}

it('nothing is wrong where both answer, on the host of clients', async () => {
  write(services());
  await bench.start();
  const rows = await bench.rows(ROWS);
  expect(rows.filter(({ state }) => state !== 'fine')).toEqual([]);
  expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(ALL));
  expect(rows.find(({ id }) => id === 'rtc:example.test')!.seen).toBe(
    '400 application/json to a request for a token, 401 to a WebSocket',
  );
});

it('a host of their own is looked at as every public name is', async () => {
  write(`${services()}, host: rtc.example.test`);
  bench.zone.set('rtc.example.test', [['A', '127.0.0.1']]);
  await bench.start();
  const rows = await bench.rows(/^(rtc|reach|dns|certificates)/);
  expect(rows.filter(({ state }) => state !== 'fine')).toEqual([]);
  expect(rows.map(({ id }) => id)).toContain('reach:rtc.example.test:443');
  bench.zone.delete('rtc.example.test');
  expect((await bench.diagnose(/rtc\.example\.test/)).length).toBeGreaterThan(0);
});

it('services that are away are found, and how to write them', async () => {
  write(services());
  await bench.start();
  await Promise.all([jwt.stop(), sfu.stop()]);
  expect(await bench.diagnose(ROWS)).toEqual([
    'rtc-jwt:example.test error rtc-jwt-unreachable',
    'rtc-sfu:example.test error rtc-sfu-unreachable',
  ]);
});

const CORS = { 'access-control-allow-origin': '*' };
const ERROR = '{"errcode":"M_BAD_JSON"}';

it.each([
  ['another program for tokens', 'jwt', 404, {}, '404 page not found', 'rtc-jwt-foreign'],
  ['a page of a website', 'jwt', 200, {}, '<html>', 'rtc-jwt-foreign'],
  ['a gateway with nobody behind', 'jwt', 502, {}, ERROR, 'rtc-jwt-foreign'],
  [
    'a proxy that adds the header once more',
    'jwt',
    400,
    { 'access-control-allow-origin': ['*', '*'] },
    ERROR,
    'rtc-cors',
  ],
  ['a proxy that takes it away', 'jwt', 400, {}, ERROR, 'rtc-cors'],
  ['a proxy that takes no WebSockets', 'sfu', 200, CORS, 'OK', 'rtc-sfu-foreign'],
  ['a LiveKit that is not ready', 'sfu', 406, CORS, 'Not Ready', 'rtc-sfu-not-ready'],
] as const)('%s is found', async (_, service, status, headers, body, id) => {
  const other = await startOther(status, headers as Record<string, string | string[]>, body);
  write(service === 'jwt' ? `jwt: "${other}", sfu: "${sfu.url}"` : `jwt: "${jwt.url}", sfu: "${other}"`);
  expect(await bench.diagnose(/^rtc-/)).toEqual([`rtc-${service}:example.test error ${id}`]);
});

it('services that no app is told of are found', async () => {
  const own = '{ org.matrix.msc4143.rtc_foci: [{ type: livekit, livekit_service_url: "https://other.test/x" }] }';
  write(services(), `    well_known: { client: ${own} }\n`);
  await bench.start();
  expect(await bench.diagnose(ROWS)).toEqual(['rtc:example.test warning rtc-not-announced']);
});

it('a running sidecar that does not know of them yet is found', async () => {
  await bench.start();
  write(services());
  expect(await bench.diagnose(ROWS)).toEqual(['rtc:example.test error rtc-not-routed rtc-websocket']);
});
