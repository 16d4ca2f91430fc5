import { expect, it } from 'vitest';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { openRequest, VERSIONS } from '../../harness/stream-client.ts';
import { readRequests, startRawUpstream } from '../../harness/upstream.ts';

// undici takes a reset for the end of a body that has no length. By RFC 9112 section 8 such an answer is complete unless the
// connection failed: a homeserver that crashes in the middle of one must be seen.
it.for(VERSIONS)(
  'an answer without a length is whole when its connection is closed, and cut when it is reset, over %s',
  async (version, context) => {
    const upstream = await startRawUpstream((socket) =>
      readRequests(socket, (head) => {
        socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nso far');
        setTimeout(() => (head.includes('reset') ? socket.resetAndDestroy() : socket.end()), 50);
      }),
    );
    const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
    context.onTestFinished(async () => {
      await sidecar.close();
      await upstream.close();
    });
    const ends = [];
    for (const how of ['closed', 'reset']) {
      const request = openRequest(sidecar, version, { path: `/_matrix/media/v3/download/a.test/${how}` });
      const { body, complete } = await request.end();
      ends.push([how, body.toString(), complete]);
      request.close();
    }
    expect(ends).toEqual([
      ['closed', 'so far', true],
      ['reset', 'so far', false],
    ]);
  },
);
