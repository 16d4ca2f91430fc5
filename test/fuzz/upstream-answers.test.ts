import { request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Reading, readAnswer, shred } from '../forward/upstream/read-answers.ts';
import { startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

// What is read of an answer must not depend on how its bytes come in, and be what node:http reads of the same bytes.

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const OWN = /^(content-length|transfer-encoding|connection|keep-alive|trailer|upgrade|proxy-connection)$/i;
const name = token.filter((one) => !OWN.test(one));
const value = fc.stringMatching(/^([!-~\x80-\xff]([\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
const fields = fc.array(fc.tuple(name, value), { maxLength: 6 });
const body = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  { maxLength: 4 },
);
const extension = fc.constantFrom('', ';a', ';a=b', ';a="b c"');

interface Answer {
  readonly method: string;
  readonly text: string;
  readonly expected: Partial<Reading>;
}

const answer: fc.Arbitrary<Answer> = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
    interim: fc.array(fc.tuple(fc.constantFrom(102, 103, 150), fields), { maxLength: 2 }),
    status: fc.oneof(fc.constantFrom(200, 204, 304, 404, 502), fc.integer({ min: 200, max: 599 })),
    reason: fc.stringMatching(/^([!-~][ -~]{0,10}[!-~])?$/),
    version: fc.constantFrom('1.1', '1.1', '1.0'),
    framing: fc.constantFrom('length', 'chunks', 'close'),
    ...{ fields, body, extension, trailers: fields, upper: fc.boolean() },
  })
  .map((given) => {
    const { method, version, status } = given;
    const framing = version === '1.0' && given.framing === 'chunks' ? 'close' : given.framing;
    const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
    const whole = given.body.join('');
    const own: [string, string][] =
      framing === 'length'
        ? [['Content-Length', String(whole.length)]]
        : framing === 'chunks'
          ? [['Transfer-Encoding', 'chunked']]
          : [];
    const all = [...given.fields, ...own];
    const lines = (some: readonly (readonly [string, string])[]): string =>
      some.map(([one, other]) => `${one}: ${other}\r\n`).join('');
    const chunk = (text: string): string => {
      const size = text.length.toString(16);
      return `${given.upper ? size.toUpperCase() : size}${given.extension}\r\n${text}\r\n`;
    };
    const interim = given.interim.map(([code, some]) => `HTTP/1.1 ${code} x\r\n${lines(some)}\r\n`).join('');
    const framed = framing === 'chunks' ? `${given.body.map(chunk).join('')}0\r\n${lines(given.trailers)}\r\n` : whole;
    const head = `HTTP/${version} ${status} ${given.reason}\r\n${lines(all)}\r\n`;
    return {
      method,
      text: `${interim}${head}${hasBody ? framed : ''}`,
      expected: {
        ...{ status, reason: given.reason, end: 'whole' as const, fields: all.flat(), body: hasBody ? whole : '' },
        trailers: hasBody && framing === 'chunks' ? given.trailers.flat() : [],
        interim: given.interim.map(([code, some]) => ({ status: code, fields: some.flat() })),
      },
    };
  });

/** Where it is cut into pieces, relative to its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

const DICTIONARY = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', '\0', '\x7f', '\xa0', ':', ';', ',', '0', '0\r\n\r\n', ' folded\r\n'],
  ...['Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'content-length:\t5\r\n'],
  ...['Transfer-Encoding: gzip, chunked\r\n', 'Connection: close\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'],
  ...['HTTP/1.1 ', 'HTTP/1.0 ', '101', '100', '-1', '+', '0x', 'ffffffffffffffff', '10000000000000005'],
];
const mutations = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 0, max: 12 }),
    by: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...DICTIONARY) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
    ),
    replaces: fc.boolean(),
  }),
  { maxLength: 3 },
);

function mutate(text: string, changes: readonly { at: number; length: number; by: string; replaces: boolean }[]) {
  let changed = text;
  for (const { at, length, by, replaces } of changes) {
    const place = Math.floor(at * changed.length);
    changed = changed.slice(0, place) + by + changed.slice(place + (replaces ? length : 0));
  }
  return changed;
}

let upstream: TestUpstream;
let says: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  upstream = await startRawUpstream((socket) => void socket.once('data', () => socket.end(says)));
});
afterAll(() => upstream?.close());

/** What node:http makes of the same bytes; undefined where it refuses them or finds them cut short. */
function readByNode(bytes: Buffer, method: string): Promise<Partial<Reading> | undefined> {
  says = bytes;
  return new Promise((resolve) => {
    const interim: { status: number; fields: string[] }[] = [];
    const sent = request({ port: upstream.port, host: '127.0.0.1', method, agent: false });
    sent.on('error', () => resolve(undefined));
    sent.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve(undefined);
    });
    sent.on(
      'information',
      ({ statusCode, rawHeaders }) => void interim.push({ status: statusCode, fields: rawHeaders }),
    );
    sent.on('response', (response) => {
      let text = '';
      response.on('error', () => {});
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
      response.on('close', () => {
        const { statusCode, statusMessage, rawHeaders, rawTrailers } = response;
        const seen = { interim, status: statusCode, reason: statusMessage, fields: rawHeaders, body: text };
        resolve(response.complete ? { ...seen, trailers: rawTrailers } : undefined);
      });
    });
    sent.end();
  });
}

it('an answer is read as it was written, however it is cut into pieces', () => {
  fc.assert(
    fc.property(answer, cuts, ({ method, text, expected }, places) => {
      const bytes = Buffer.from(text, 'latin1');
      expect(readAnswer([bytes], { method, closed: true })).toMatchObject(expected);
      expect(readAnswer(cut(bytes, places), { method, closed: true })).toMatchObject(expected);
      expect(readAnswer(shred(bytes), { method, closed: true })).toMatchObject(expected);
    }),
    { numRuns: 1_500, interruptAfterTimeLimit: 8_000 },
  );
});

it('of bytes that are changed at random, the same is read however they come, and never more than there is', () => {
  let refused = 0;
  fc.assert(
    fc.property(answer, mutations, cuts, ({ method, text }, changes, places) => {
      const bytes = Buffer.from(mutate(text, changes), 'latin1');
      const [one, two, three] = [[bytes], cut(bytes, places), shred(bytes)].map((pieces) => {
        const { why: _, reusable: __, ...reading } = readAnswer(pieces, { method, closed: true });
        return reading;
      });
      expect(one!.body.length).toBeLessThanOrEqual(bytes.length);
      expect(two).toEqual(one);
      expect(three).toEqual(one);
      if (one!.end === 'refused') refused++;
    }),
    { numRuns: 3_000, interruptAfterTimeLimit: 10_000 },
  );
  expect(refused).toBeGreaterThan(100);
});

it('nothing is read out of an answer that node:http does not read out of it', { timeout: 60_000 }, async () => {
  let [both, neither] = [0, 0];
  await fc.assert(
    fc.asyncProperty(answer, mutations, async ({ method, text }, changes) => {
      const bytes = Buffer.from(mutate(text, changes), 'latin1');
      const ours = readAnswer([bytes], { method, closed: true });
      const theirs = await readByNode(bytes, method);
      if (changes.length === 0) expect(theirs, JSON.stringify(text)).toBeDefined();
      if (ours.end !== 'whole') neither++;
      if (ours.end !== 'whole' || theirs === undefined) return;
      both++;
      const { interim: hints, ...rest } = theirs;
      expect(ours).toMatchObject(rest);
      // It keeps 100 to itself.
      expect(ours.interim.filter(({ status }) => status !== 100)).toEqual(hints);
    }),
    { numRuns: 1_500, interruptAfterTimeLimit: 10_000 },
  );
  expect(both).toBeGreaterThan(50);
  expect(neither).toBeGreaterThan(20);
});
