import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../../harness/stream-client.ts';
import { startRawUpstream, type TestUpstream } from '../../harness/upstream.ts';

// HTTP/2 clients break a stream off whose 204 has a length (RFC 9110 section 8.6, nghttp2's http.c), and one in trailers or an
// early hint is none.

const ANSWERS: Readonly<Record<string, string>> = {
  '/_matrix/no-content': 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n',
  '/_matrix/hints':
    'HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}',
  '/_matrix/trailers':
    'HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 9\r\nX-Sum: 1\r\n\r\n',
};

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    socket.on('data', (chunk) => {
      const path = chunk.toString('latin1').split(' ')[1]!;
      socket.end(ANSWERS[path] ?? 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    });
  });
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}", delegate_to: "m.a.test:443" }]`,
  );
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

it.each(
  VERSIONS.flatMap((version) => [
    [version, '/_matrix/no-content', 204, '', []] as const,
    [version, '/_matrix/hints', 200, '{}', []] as const,
    [version, '/_matrix/trailers', 200, '{}', ['X-Sum', '1']] as const,
  ]),
)('over %s, %s arrives whole', async (version, path, status, body, trailers) => {
  const answer = await exchangeWhole(sidecar, version, { path, headers: ['te', 'trailers'] });
  expect([answer.status, answer.body.toString(), answer.complete]).toEqual([status, body, true]);
  expect(answer.all('x-a')).toEqual(['1']);
  expect(answer.trailers.join().toLowerCase()).toBe(trailers.join().toLowerCase());
});
