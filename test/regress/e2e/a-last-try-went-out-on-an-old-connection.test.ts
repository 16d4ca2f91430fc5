import { expect, it } from 'vitest';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole } from '../../harness/stream-client.ts';
import { readRequests, startRawUpstream } from '../../harness/upstream.ts';

// While the homeserver was asked whether it is there, others gave their connections back: one of these was taken for the
// last try, which failed where the homeserver closed it just then.
it('what was lost is sent again on a fresh connection', async ({ onTestFinished }) => {
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
  let arrivals = 0;
  let answerOther = (): void => {};
  const upstream = await startRawUpstream((socket) => {
    let before = 0;
    readRequests(socket, (head) => {
      const isFirst = before++ === 0;
      if (head.startsWith('GET /health')) {
        answerOther();
        return void setTimeout(() => socket.write(OK), 150);
      }
      if (head.includes('/other')) {
        answerOther = () => void socket.write(OK);
        return;
      }
      arrivals++;
      if (arrivals > 2 && isFirst) socket.write(OK);
      else socket.end();
    });
  });
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
  onTestFinished(async () => {
    await sidecar.close();
    await upstream.close();
  });
  const other = exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/other' });
  const lost = exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/client/v3/lost' });
  expect((await Promise.all([other, lost])).map(({ status }) => status)).toEqual([200, 200]);
  expect(arrivals).toBe(3);
});
