import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
/** What the homeserver answers, and whether its body follows its headers at once. */
let body: Buffer = Buffer.alloc(0);
let atOnce = true;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, () => {
      // The next row may have another by the time that this one is written.
      const whole = body;
      const head = Buffer.from(
        `HTTP/1.1 200 OK\r\nX-Head: \u00e4\r\nContent-Length: ${whole.length}\r\n\r\n`,
        'latin1',
      );
      if (atOnce) return void socket.write(Buffer.concat([head, whole]));
      socket.write(head);
      setTimeout(() => socket.write(whole), 30);
    });
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** Every byte that there is, and sequences that are no UTF-8, over and over. */
const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 7) % 256));

// Small bodies leave with their headers, in one piece; the rows stand on both sides of where that ends.
describe.each(VERSIONS)('over %s', (version) => {
  describe.each([true, false])('with the body in the same packet: %s', (same) => {
    it.each([0, 1, 256, 500, 4_095, 4_096, 4_097, 16_384])('a body of %i bytes', async (length) => {
      body = bytes(length);
      atOnce = same;
      const answer = await exchangeWhole(sidecar, version);
      expect(Buffer.from(answer.body).equals(body)).toBe(true);
    });
  });
});
