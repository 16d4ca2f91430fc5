import { expect, it } from 'vitest';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../../harness/stream-client.ts';
import { readRequests, startRawUpstream } from '../../harness/upstream.ts';

// While a 503 is looked into, its answer is paused; undici does not pause the answer to a HEAD, which ended before it
// began: Node made it a 200, and the head that came after that threw among those that waited for the same news.
it.for(VERSIONS)(
  'a HEAD that a healthy homeserver answers 503 is answered 503, over %s',
  { timeout: 20_000 },
  async (version, context) => {
    const upstream = await startRawUpstream((socket) =>
      readRequests(socket, (head) => {
        const says = head.startsWith('GET /health') ? '200 OK' : '503 Busy';
        const body = head.startsWith('HEAD') ? '' : '{}';
        const bytes = `HTTP/1.1 ${says}\r\nContent-Length: 2\r\n\r\n${body}`;
        setTimeout(() => socket.write(bytes), says === '200 OK' ? 60 : 0);
      }),
    );
    const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
    const thrown: unknown[] = [];
    const onThrown = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', onThrown);
    context.onTestFinished(async () => {
      process.off('uncaughtException', onThrown);
      await sidecar.close();
      await upstream.close();
    });
    const path = '/_matrix/client/v3/profile/@a:b.test';
    const answers = await Promise.all([
      exchangeWhole(sidecar, version, { method: 'HEAD', path }),
      exchangeWhole(sidecar, version, { path }),
    ]);
    expect(answers.map(({ status, body }) => [status, body.toString()])).toEqual([
      [503, ''],
      [503, '{}'],
    ]);
    expect(thrown).toEqual([]);
  },
);
