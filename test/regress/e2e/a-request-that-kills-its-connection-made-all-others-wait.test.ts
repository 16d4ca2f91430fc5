import { expect, it } from 'vitest';
import { ask } from '../../harness/client.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { readRequests, startRawUpstream } from '../../harness/upstream.ts';

// Its second loss was taken for the homeserver's absence. Whoever sent such a request each second had all others wait, for
// longer each time.
it('a request that the homeserver always hangs up on fails alone', async ({ onTestFinished }) => {
  let arrivals = 0;
  const upstream = await startRawUpstream((socket) =>
    readRequests(socket, (head) => {
      if (!head.includes('poison')) return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      arrivals++;
      socket.end();
    }),
  );
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
  onTestFinished(async () => {
    await sidecar.close();
    await upstream.close();
  });
  const headers = { host: 'a.test' };
  for (let times = 1; times <= 4; times++) {
    const [poison, ...others] = await Promise.all([
      ask(sidecar, '/_matrix/client/v3/poison', { headers }),
      ...Array.from({ length: 3 }, () => ask(sidecar, '/_matrix/client/v3/sync', { headers })),
    ]);
    expect([poison?.status, ...others.map(({ status }) => status)]).toEqual([502, 200, 200, 200]);
    expect(arrivals).toBe(3 * times);
  }
  expect(sidecar.logged.filter(({ sentence }) => sentence.includes('Requests wait for it'))).toEqual([]);
});
