import { describe, expect, it } from 'vitest';
import { AnswerReader } from '../../../src/forward/upstream/answer-reader.ts';
import { MOST_HEAD } from '../../../src/forward/upstream/gather-block.ts';
import { type Reading, readAnswer, shred } from './read-answers.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

/** The same whether it comes as a whole, byte by byte, or in two pieces. */
function readAllWays(text: string, how: { method?: string; closed?: boolean } = {}): Reading {
  const all = bytes(text);
  const whole = readAnswer([all], how);
  const why = whole.why === undefined ? undefined : expect.any(String);
  expect(readAnswer(shred(all), how)).toEqual({ ...whole, reusable: expect.any(Boolean), why });
  for (let at = 1; at < all.length && at < 300; at++)
    expect(readAnswer([all.subarray(0, at), all.subarray(at)], how)).toMatchObject({
      end: whole.end,
      body: whole.body,
    });
  return whole;
}

describe('an answer that is whole', () => {
  it.each<[string, string, Partial<Reading>, { method?: string; closed?: boolean }?]>([
    ['has its length', `${HEAD}Content-Length: 2\r\n\r\n{}`, { body: '{}', reusable: true }],
    ['has no bytes', `${HEAD}Content-Length: 0\r\n\r\n`, { body: '', reusable: true }],
    ['has no reason', 'HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n', { status: 404, reason: '' }],
    ['has not even the space for it', 'HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n', { status: 404, reason: '' }],
    ['has a reason above ASCII', 'HTTP/1.1 200 \xe4\tb c\r\nContent-Length: 0\r\n\r\n', { reason: '\xe4\tb c' }],
    ['has an odd status', 'HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n', { status: 999 }],
    [
      'has fields twice, in odd case, empty, with blanks around them and bytes above ASCII',
      `${HEAD}Set-Cookie: a\r\nX:\r\nset-cookie:b \t\r\nX-\u00fe: \r\nContent-Length: 0\r\n\r\n`.replace(
        'X-\u00fe',
        'X-Y',
      ),
      { fields: ['Set-Cookie', 'a', 'X', '', 'set-cookie', 'b', 'X-Y', '', 'Content-Length', '0'] },
    ],
    [
      'has bytes above ASCII',
      `${HEAD}X: \xe4\xff\r\nContent-Length: 0\r\n\r\n`,
      { fields: ['X', '\xe4\xff', 'Content-Length', '0'] },
    ],
    ['has no field at all', `${HEAD}\r\nall of it`, { body: 'all of it', reusable: false }, { closed: true }],
    [
      'ends with its connection',
      `${HEAD}X: y\r\n\r\nall of it`,
      { body: 'all of it', reusable: false },
      { closed: true },
    ],
    ['has no body and ends with its connection', `${HEAD}\r\n`, { body: '', reusable: false }, { closed: true }],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', { body: 'a', reusable: false }],
    [
      'is of HTTP/1.0 and stays',
      'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na',
      { reusable: true },
    ],
    ['says close', `${HEAD}Connection: x, Close\r\nContent-Length: 1\r\n\r\na`, { body: 'a', reusable: false }],
    [
      'says closed, which is something else',
      `${HEAD}Connection: closed\r\nContent-Length: 1\r\n\r\na`,
      { reusable: true },
    ],
    [
      'says both',
      `${HEAD}Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      { reusable: false },
    ],
    ['has something behind it', `${HEAD}Content-Length: 2\r\n\r\n{}x`, { body: '{}', reusable: false }],
    ['comes in chunks', `${CHUNKED}2\r\n{}\r\n0\r\n\r\n`, { body: '{}', reusable: true, trailers: [] }],
    ['comes in no chunk', `${CHUNKED}0\r\n\r\n`, { body: '', reusable: true }],
    [
      'has sizes in both cases, and zeros',
      `${CHUNKED}000a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n`,
      { body: '01234567890123456789' },
    ],
    ['has extensions', `${CHUNKED}1;a=b\r\nx\r\n1 \t;c="d\t\xff";e\r\ny\r\n0;f\r\n\r\n`, { body: 'xy' }],
    [
      'has trailers',
      `${CHUNKED}1\r\nx\r\n0\r\nA: 1\r\na:2\r\n\r\n`,
      { body: 'x', trailers: ['A', '1', 'a', '2'], reusable: true },
    ],
    ['has something behind its trailers', `${CHUNKED}0\r\nA: 1\r\n\r\nHTTP`, { trailers: ['A', '1'], reusable: false }],
    ['says CHUNKED', `${HEAD}transfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n`, { body: '' }],
    ['is to HEAD', `${HEAD}Content-Length: 500\r\n\r\n`, { body: '', reusable: true }, { method: 'HEAD' }],
    ['is to HEAD, in chunks', CHUNKED, { body: '', reusable: true }, { method: 'HEAD' }],
    [
      'is to HEAD and has a body',
      `${HEAD}Content-Length: 1\r\n\r\nx`,
      { body: '', reusable: false },
      { method: 'HEAD' },
    ],
    ['is 204', 'HTTP/1.1 204 No Content\r\n\r\n', { body: '', reusable: true }],
    ['is 204 and has a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx', { body: '', reusable: false }],
    ['is 204 in chunks', 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n', { body: '', reusable: false }],
    ['is 304', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', { body: '', reusable: true }],
    ['is 304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', { body: '', reusable: false }],
    ['is 205', 'HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n', { body: '', reusable: true }],
    [
      'has interim answers before it',
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nConnection: close\r\n\r\n${HEAD}Content-Length: 1\r\n\r\na`,
      {
        ...{ body: 'a', reusable: true },
        interim: [
          { status: 103, fields: ['Link', '</a>'] },
          { status: 100, fields: [] },
          { status: 103, fields: ['Connection', 'close'] },
        ],
      },
    ],
  ])('%s', (_, text, expected, how) => {
    expect(readAllWays(text, how)).toMatchObject({ end: 'whole', ...expected });
  });

  it.each([1, 2047, 2048, 2049, 4096, MOST_HEAD - HEAD.length - 25])('has a field of %i bytes', (length) => {
    const text = `${HEAD}X: ${'x'.repeat(length)}\r\nContent-Length: 1\r\n\r\na`;
    for (const pieces of [[bytes(text)], shred(bytes(text))])
      expect(readAnswer(pieces)).toMatchObject({ end: 'whole', body: 'a', reusable: true });
  });
});

describe('an answer that may not be passed on', () => {
  it.each([
    ['is another protocol', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['is HTTP/0.9', '<html>hello</html>\n'],
    ['is HTTP/2', '\x00\x00\x12\x04\x00\x00\x00'],
    ['is HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['begins with an empty line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['is written small', 'http/1.1 200 OK\r\n\r\n'],
    ['has a status of two digits', 'HTTP/1.1 99 What\r\n\r\n'],
    ['has a status of four digits', 'HTTP/1.1 2000 What\r\n\r\n'],
    ['has no number for a status', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['has a status that begins with 0', 'HTTP/1.1 020 OK\r\n\r\n'],
    ['has two spaces', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['has a control character in its reason', 'HTTP/1.1 200 O\x01K\r\n\r\n'],
    ['changes protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['has a field without a colon', `${HEAD}Nonsense\r\n\r\n`],
    ['has a field without a name', `${HEAD}: x\r\n\r\n`],
    ['has a space before a colon', `${HEAD}X : y\r\n\r\n`],
    ['has a space in a name', `${HEAD}X Y: y\r\n\r\n`],
    ['has a name above ASCII', `${HEAD}X\xe4: y\r\n\r\n`],
    ['folds a field', `${HEAD}X: y\r\n z\r\n\r\n`],
    ['folds the first field', `${HEAD} X: y\r\n\r\n`],
    ['has a NUL', `${HEAD}X: a\0b\r\n\r\n`],
    ['has a DEL', `${HEAD}X: a\x7fb\r\n\r\n`],
    ['has a bare CR', `${HEAD}X: a\rb\r\n\r\n`],
    ['has a bare LF', `${HEAD}X: a\nY: b\r\n\r\n`],
    ['has two bare CRs for an end', `${HEAD}X: a\r\r\n\r\n`],
    ['has two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`],
    ['has the same length twice', `${HEAD}Content-Length: 2\r\ncontent-length: 2\r\n\r\n`],
    ['has the same length twice in one field', `${HEAD}Content-Length: 2, 2\r\n\r\n`],
    ['has an empty length', `${HEAD}Content-Length:\r\n\r\n`],
    ['has a negative length', `${HEAD}Content-Length: -1\r\n\r\n`],
    ['has a length with a sign', `${HEAD}Content-Length: +1\r\n\r\n`],
    ['has a hexadecimal length', `${HEAD}Content-Length: 0x1\r\n\r\n`],
    ['has a length beyond what can be counted', `${HEAD}Content-Length: 9007199254740992\r\n\r\n`],
    ['has a length and chunks', `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['has chunks and a length', `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n`],
    ['has chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['has another coding', `${HEAD}Transfer-Encoding: gzip\r\n\r\n`],
    ['has another coding below the chunks', `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['has chunks in chunks', `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['has chunks that are none', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n`],
    ['has a chunk without a size', `${CHUNKED}\r\n`],
    ['has a chunk with an extension for a size', `${CHUNKED};a\r\n`],
    ['has a chunk whose size is none', `${CHUNKED}zz\r\n`],
    ['has a chunk with a sign', `${CHUNKED}+1\r\n`],
    ['has a chunk with 0x', `${CHUNKED}0x1\r\n`],
    ['has a blank before a size', `${CHUNKED} 1\r\n`],
    ['has a blank behind a size, and nothing else', `${CHUNKED}1 \r\n`],
    ['has a bare LF behind a size', `${CHUNKED}1\nx`],
    ['has a bare CR behind a size', `${CHUNKED}1\rx`],
    ['has a control character in an extension', `${CHUNKED}1;a\0\r\n`],
    ['has a bare LF in an extension', `${CHUNKED}1;a\n0\r\n`],
    ['has a chunk beyond what can be counted', `${CHUNKED}20000000000000\r\n`],
    ['has zeros without end', `${CHUNKED}${'0'.repeat(17)}\r\n`],
    ['has a chunk that is longer than it says', `${CHUNKED}1\r\nxy\r\n`],
    ['has a bare LF behind a chunk', `${CHUNKED}1\r\nx\n`],
    ['has a trailer without a colon', `${CHUNKED}0\r\nNonsense\r\n\r\n`],
    ['folds a trailer', `${CHUNKED}0\r\nX: y\r\n z\r\n\r\n`],
    ['has a bare LF in a trailer', `${CHUNKED}0\r\nX: y\nZ: a\r\n\r\n`],
  ])('%s', (_, text) => {
    const { end, why } = readAllWays(text);
    expect([end, why]).toEqual(['refused', expect.any(String)]);
  });

  it.each([
    ['a head', HEAD, 'X: y\r\n', MOST_HEAD],
    ['one field', HEAD, 'x', MOST_HEAD],
    ['trailers', `${CHUNKED}0\r\n`, 'X: y\r\n', MOST_HEAD],
    ['the extensions of a chunk', `${CHUNKED}1;`, 'x', 4096],
    ['interim answers', '', 'HTTP/1.1 102 Processing\r\n\r\n', 100 * 27],
  ])('%s without an end, however it comes', (_, start, again, most) => {
    const start2 = again === 'x' && start === HEAD ? `${HEAD}X: ` : start;
    const endless = bytes(start2 + again.repeat(Math.ceil(most / again.length) + 20));
    for (const pieces of [[endless], shred(endless)]) {
      let taken = 0;
      const counted = pieces.map((piece) => {
        taken += piece.length;
        return piece;
      });
      expect(readAnswer(counted).end).toBe('refused');
      expect(taken).toBeGreaterThan(most);
    }
    const fitting = bytes(start2 + again.repeat(Math.floor((most - start2.length - 2) / again.length) - 1));
    expect(readAnswer([fitting]).end).toBe('open');
  });
});

describe('an answer whose connection is closed too early', () => {
  it.each([
    ['', ''],
    ['in its status line', 'HTTP/1.1 2'],
    ['in its head', `${HEAD}Content-`],
    ['behind an interim answer', 'HTTP/1.1 103 x\r\n\r\n'],
    ['in a body of known length', `${HEAD}Content-Length: 3\r\n\r\nab`],
    ['in the size of a chunk', `${CHUNKED}1`],
    ['in a chunk', `${CHUNKED}2\r\na`],
    ['behind a chunk', `${CHUNKED}1\r\na`],
    ['before the last chunk', `${CHUNKED}1\r\na\r\n`],
    ['in the last chunk', `${CHUNKED}0\r\n`],
    ['in its trailers', `${CHUNKED}0\r\nX: y\r\n`],
  ])('is not whole: %s', (_, text) => expect(readAllWays(text, { closed: true }).end).toBe('closed'));
});

describe('a reader that is paused', () => {
  function record() {
    const seen: string[] = [];
    const reader: AnswerReader = new AnswerReader({
      interim: () => void seen.push('interim'),
      head(head) {
        seen.push(`head ${head.status}`);
        reader.pause();
      },
      data(chunk) {
        seen.push(chunk.toString());
        reader.pause();
      },
      end: () => void seen.push('end'),
    });
    reader.begin('GET');
    return { seen, reader };
  }

  it('tells nothing of what has come, not even the end', () => {
    const { seen, reader } = record();
    const steps: number[] = [];
    reader.push(bytes(`${CHUNKED}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`));
    while (!seen.includes('end')) {
      steps.push(seen.length);
      reader.resume();
    }
    expect(seen).toEqual(['head 200', 'a', 'b', 'end']);
    expect(steps).toEqual([1, 2, 3]);
  });

  it.each([`HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n`, 'HTTP/1.1 204 x\r\n\r\n'])(
    'holds back the end of an answer that has no body: %j',
    (text) => {
      const { seen, reader } = record();
      reader.push(bytes(text));
      expect(seen).toHaveLength(1);
      reader.resume();
      expect(seen).toEqual([seen[0], 'end']);
    },
  );

  it('gathers what comes, and the end of the connection, until it is resumed', () => {
    const { seen, reader } = record();
    reader.push(bytes(`${HEAD}\r\nab`));
    reader.push(bytes('cd'));
    reader.finish();
    expect(seen).toEqual(['head 200']);
    reader.resume();
    expect(seen).toEqual(['head 200', 'abcd']);
    reader.resume();
    expect(seen).toEqual(['head 200', 'abcd', 'end']);
  });

  it('does not take the end of the connection for the end of a body that has a length', () => {
    const { seen, reader } = record();
    reader.push(bytes(`${HEAD}Content-Length: 9\r\n\r\nab`));
    reader.finish();
    reader.resume();
    expect(() => reader.resume()).toThrow('closed');
    expect(seen).toEqual(['head 200', 'ab']);
  });

  it('says nothing more once it is stopped', () => {
    const { seen, reader } = record();
    reader.push(bytes(`${HEAD}Content-Length: 2\r\n\r\nab`));
    reader.stop();
    reader.resume();
    reader.push(bytes('cd'));
    reader.finish();
    expect(seen).toEqual(['head 200']);
  });
});
