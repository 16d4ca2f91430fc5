import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askHttp2, openHttp2, sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let arrived: string[] = [];

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, (head) => {
      arrived.push(head.slice(0, head.indexOf('\r\n')));
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** Every byte that a request target may hold in practice: ASCII from ! to ~ but for the fragment's #. */
const TARGET_CHARACTER = fc
  .integer({ min: 0x21, max: 0x7e })
  .filter((code) => code !== 0x23)
  .map((code) => String.fromCharCode(code));
const PIECE = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: TARGET_CHARACTER, maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '%2F',
      '%2f',
      '%21',
      '%23',
      '%3F',
      '%00',
      '%',
      '%zz',
      '//',
      '/./',
      '/../',
      '..',
      "'",
      '!',
      '$',
      '{}',
      '|',
      '\\',
      '^',
      '`',
      '"',
      '?',
      '??',
      '&',
      '+',
      ';',
      '@:',
      '~',
    ),
  },
);
const TARGET = fc
  .tuple(
    fc.constantFrom('/_matrix/federation/', '/_matrix/client/v3/', '/_matrix/media/v3/download/', '/_matrix//'),
    fc.array(PIECE, { maxLength: 8 }),
  )
  .map(([prefix, pieces]) => prefix + pieces.join(''))
  // Dot segments that would lead into a closed area are refused on purpose; test/route has those.
  .filter((target) => !/synapse/i.test(target));

it('over HTTP/1.1, whatever legal bytes they are made of', async () => {
  await fc.assert(
    fc.asyncProperty(TARGET, async (target) => {
      arrived = [];
      const outcome = await sendRaw(sidecar, `GET ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
      expect(outcome.text).toMatch(/^HTTP\/1\.1 200 /);
      expect(arrived).toEqual([`GET ${target} HTTP/1.1`]);
    }),
    { numRuns: 150 },
  );
});

it('over HTTP/2, whatever legal bytes they are made of', async () => {
  const session = openHttp2(sidecar);
  await fc.assert(
    fc.asyncProperty(TARGET, async (target) => {
      arrived = [];
      const answer = await askHttp2(session, { ':path': target, ':authority': 'a.test' });
      expect(answer.status).toBe(200);
      expect(arrived).toEqual([`GET ${target} HTTP/1.1`]);
    }),
    { numRuns: 300 },
  );
  session.close();
});
