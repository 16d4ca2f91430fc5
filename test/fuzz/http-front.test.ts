import { connect } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { headerOf, readStrictly, type StrictRequest } from '../harness/strict-http.ts';
import { until } from '../harness/until.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

const HOST = 'Host: a.test\r\n';
/** `~` stands for what makes a run's requests its own. */
const REQUESTS = [
  `GET /_matrix/~/a?b=c%20d HTTP/1.1\r\n${HOST}Accept: */*\r\n\r\n`,
  `POST /_matrix/~/b HTTP/1.1\r\n${HOST}Content-Length: 11\r\n\r\nhello world`,
  `PUT /_matrix/~/c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n`,
  `POST /_matrix/~/d HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\nb\r\nhello world\r\n0\r\nX-T: 1\r\n\r\n`,
  `GET /_matrix/~/e HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`,
  `DELETE /_matrix/~/f HTTP/1.1\r\n${HOST}Connection: X-Hop, close\r\nX-Hop: 1\r\nX-End: 2\r\nContent-Length: 2\r\n\r\n{}`,
  `POST /_matrix/~/g HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
];

const DICTIONARY = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  '\x0b',
  '\x7f',
  '\xa0',
  ':',
  ';',
  ',',
  '"',
  '0',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'transfer-encoding:\tchunked\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'Host: b.test\r\n',
  ' folded\r\n',
  'chunked',
  'GET /_matrix/~/x HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'HTTP/1.1',
  'http://a.test',
  '#',
  '+',
  '-1',
  'ffffffffffffffff',
  '10000000000000005',
];

/** A change at a place, both relative to the length, so that shrinking keeps them meaningful. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 0, max: 12 }),
  by: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...DICTIONARY) },
    { weight: 2, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
    // A copy of what stands there.
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
});

const run = fc.record({
  requests: fc.array(fc.constantFrom(...REQUESTS), { minLength: 1, maxLength: 3 }),
  mutations: fc.array(mutation, { maxLength: 3 }),
  /** Where the bytes are cut into two writes. */
  cut: fc.double({ min: 0, max: 1, noNaN: true }),
});

function mutate(text: string, mutations: readonly { at: number; length: number; by: string | undefined }[]): string {
  let changed = text;
  for (const { at, length, by } of mutations) {
    const place = Math.floor(at * changed.length);
    const old = changed.slice(place, place + length);
    // Replaces as many bytes as it brings, or inserts, or deletes.
    changed =
      changed.slice(0, place) +
      (by ?? old + old) +
      changed.slice(place + (length > 6 && by !== undefined ? 0 : length));
  }
  return changed;
}

/** Sends, waits for so many answers (undefined: until nothing more comes), leaves; gives their final statuses. */
async function send(bytes: Buffer, cut: number, answers: number | undefined): Promise<number[]> {
  const socket = connect({ host: '127.0.0.1', port: edge.sidecar.https, servername: 'localhost', ca: edge.sidecar.ca });
  let text = '';
  let closed = false;
  let last = performance.now();
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    last = performance.now();
  });
  socket.once('close', () => {
    closed = true;
  });
  const statuses = (): number[] => [...text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map((match) => Number(match[1]));
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const middle = Math.floor(cut * bytes.length);
  socket.write(bytes.subarray(0, middle));
  socket.write(bytes.subarray(middle));
  last = performance.now();
  await until('the answers are there, or nothing more comes', () => {
    const enough = answers === undefined ? performance.now() - last > 40 : statuses().length >= answers;
    return closed || enough;
  });
  socket.destroy();
  return statuses();
}

/** What must arrive of a request: everything but what is for one connection, or the sidecar's own to say. */
function essence(request: StrictRequest): unknown {
  const named = request.headers
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((one) => one.trim()),
    );
  const own =
    /^(host|connection|content-length|transfer-encoding|keep-alive|te|upgrade|expect|proxy-connection|x-forwarded-\w+|x-request-id|trailer)$/i;
  return {
    line: `${request.method} ${request.target}`,
    host: headerOf(request, 'host'),
    headers: request.headers.filter(([name]) => !own.test(name) && !named.includes(name.toLowerCase())),
    body: request.body.toString('latin1'),
  };
}

it('of any bytes, the homeserver sees nothing or what a strict reading of them gives', {
  timeout: 60_000,
}, async () => {
  let runs = 0;
  let reached = 0;
  let refused = 0;
  const allowed = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(run, async ({ requests, mutations, cut }) => {
      runs++;
      const bytes = Buffer.from(mutate(requests.join(''), mutations).replaceAll('~', `r${runs}`), 'latin1');
      const reading = readStrictly(bytes);
      for (const request of reading.requests) {
        const key = JSON.stringify(essence(request));
        allowed.set(key, (allowed.get(key) ?? 0) + 1);
      }
      edge.upstream.reset();
      const whole = reading.rest === 'nothing' || reading.rest === 'after close';
      const statuses = await send(bytes, cut, whole ? reading.requests.length : undefined);
      await until('nothing is under way', () => edge.sidecar.sidecar.status().requests_in_flight === 0);
      await until('nothing is half sent', () => edge.upstream.unfinished() === 0);
      expect(edge.upstream.violations()).toEqual([]);
      for (const request of edge.upstream.requests()) {
        const key = JSON.stringify(essence(request));
        const left = allowed.get(key) ?? 0;
        expect(left, `not in the strict reading (${reading.why}): ${key}`).toBeGreaterThan(0);
        allowed.set(key, left - 1);
        reached++;
      }
      const [fine, others] = [statuses.filter((status) => status === 200), statuses.filter((status) => status !== 200)];
      expect(fine.length).toBeLessThanOrEqual(edge.upstream.requests().length);
      expect(statuses.length).toBeLessThanOrEqual(reading.requests.length + 1);
      refused += others.length;
      if (mutations.length === 0) expect(statuses, bytes.toString('latin1')).toEqual(reading.requests.map(() => 200));
    }),
    { numRuns: 700, interruptAfterTimeLimit: 15_000 },
  );
  // Both kinds were tried, many times over.
  expect(reached).toBeGreaterThan(runs / 4);
  expect(refused).toBeGreaterThan(runs / 10);
  await edge.expectAlive();
});
