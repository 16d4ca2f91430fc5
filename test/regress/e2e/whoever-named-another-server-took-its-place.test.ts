import type { ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { type Answer, ask } from '../../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
const held: { readonly path: string; readonly response: ServerResponse }[] = [];

async function start(limits: string): Promise<void> {
  upstream = await startHttpUpstream((request, response) => void held.push({ path: request.url ?? '', response }));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
routes: { trusted_proxies: 127.0.0.1 }
limits: { ${limits} }`);
}
afterEach(async () => {
  await sidecar.close();
  await upstream.close();
  held.length = 0;
});

/** The outcome does not matter: when the test ends, those that were not served are cut. */
function send(address: string, origin: string, name: string): Promise<Answer | undefined> {
  const authorization = `X-Matrix origin="${origin}",destination="a.test",key="ed25519:1",sig="x"`;
  const headers = { host: 'a.test', authorization, 'x-forwarded-for': address };
  return ask(sidecar, `/_matrix/federation/v1/event/${name}`, { headers }).catch(() => undefined);
}
const names = () => held.map(({ path }) => path.split('/').at(-1));

it('one who says that it is another server shares nothing with that server', async () => {
  await start('requests_per_origin: 2, federation_requests: 50');
  for (let index = 0; index < 6; index++) void send('192.0.2.66', 'victim.test', 'lie');
  await until('it has a share', () => held.length >= 2);
  await pause(100);
  void send('198.51.100.7', 'victim.test', 'true');
  await until('the server is served', () => names().includes('true'), 3_000);
  expect(names().filter((name) => name === 'lie')).toHaveLength(2);
});

it('one who says that it is many servers leaves half of the places to others', async () => {
  await start('requests_per_origin: 5, federation_requests: 10');
  for (let index = 0; index < 30; index++) void send('192.0.2.66', `s${index}.test`, 'lie');
  await until('it has a share', () => held.length >= 5);
  await pause(100);
  void send('198.51.100.7', 'victim.test', 'true');
  await until('the server is served', () => names().includes('true'), 3_000);
  expect(names().filter((name) => name === 'lie')).toHaveLength(5);
  for (const { response } of held.splice(0)) response.end('{}');
  await until('the next of its own follow', () => held.length === 5);
});
