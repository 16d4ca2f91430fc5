import { expect, it } from 'vitest';
import { openHttp2 } from '../../harness/client.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole } from '../../harness/stream-client.ts';
import { until } from '../../harness/until.ts';

it('while the homeserver is away, other servers find a place to wait however many clients do', async ({
  onTestFinished,
}) => {
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]
routes: { trusted_proxies: 127.0.0.1 }
limits: { requests_per_client: 5000, hold: 20s }`);
  const sessions = Array.from({ length: 22 }, () => openHttp2(sidecar));
  onTestFinished(async () => {
    for (const session of sessions) session.destroy();
    await sidecar.close();
  });
  let refused = 0;
  for (const session of sessions) {
    for (let index = 0; index < 100; index++) {
      const stream = session.request({ ':path': '/_matrix/client/v3/sync', ':authority': 'a.test' });
      stream.on('error', () => {});
      stream.once('response', () => refused++);
    }
  }
  const held = () => sidecar.sidecar.status().servers[0]!.requests_held;
  await until('all wait or were told that they may not', () => held() + refused === 2_200);
  expect(refused).toBeGreaterThan(0);
  const before = held();
  let answered = false;
  void exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/federation/v1/event/x' }).then(
    () => {
      answered = true;
    },
    () => {},
  );
  await until('it waits', () => held() > before || answered);
  expect([answered, held()]).toEqual([false, before + 1]);
});
