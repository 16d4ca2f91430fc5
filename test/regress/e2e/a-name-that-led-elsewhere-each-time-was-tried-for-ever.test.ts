import { expect, it, type TestContext } from 'vitest';
import { realSystem } from '../../../src/base/system.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole } from '../../harness/stream-client.ts';
import { startRawUpstream } from '../../harness/upstream.ts';

/** A name that leads to two other addresses each time, where nobody is: a resolver that gives a few of very many. */
async function setUp({ onTestFinished }: TestContext) {
  const nobody = await startRawUpstream(() => {});
  await nobody.close();
  let lookups = 0;
  const lookup = async () => {
    const at = lookups++;
    return [10, 11].map((last) => ({ address: `127.${at >> 8}.${at & 255}.${last}`, family: 4 }));
  };
  const sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "http://synapse:${nobody.port}" }]\nlimits: { hold: 1s }`,
    { system: { ...realSystem, lookup } },
  );
  onTestFinished(() => sidecar.close());
  return { sidecar, lookups: () => lookups };
}

it.for(['GET', 'POST'])('%s is answered when its time to wait is over', async (method, context) => {
  const { sidecar, lookups } = await setUp(context);
  const body = method === 'GET' ? {} : { body: '{}' };
  const { status } = await exchangeWhole(sidecar, 'HTTP/1.1', { method, path: '/_matrix/client/v3/x', ...body });
  expect(status).toBe(502);
  expect(lookups()).toBeLessThan(200);
});

it('a WebSocket is told so', async (context) => {
  const { sidecar, lookups } = await setUp(context);
  const headers = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'];
  const { status } = await exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/ws', headers });
  expect(status).toBe(502);
  expect(lookups()).toBeLessThan(100);
});
