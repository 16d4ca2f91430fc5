import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { type Edge, expectRefusal, startEdge, statusesIn } from '../harness/strangers.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());
afterEach(() => edge.expectAlive());

const PATH = '/_matrix/client/v3/x';
const POST = `POST ${PATH} HTTP/1.1\r\nHost: a.test\r\n`;
const CHUNKED = `${POST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
/** What the homeserver must never see in these tests. */
const HIDDEN = `GET ${PATH}/smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n`;

/** Each is refused as a whole. In none is a body complete under any strict reading. */
const REFUSED: Readonly<Record<string, string>> = {
  'Transfer-Encoding, then Content-Length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Content-Length, then Transfer-Encoding': `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Content-Length: 0 and Transfer-Encoding': `${POST}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'two different lengths': `${POST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde${HIDDEN}`,
  'two equal lengths': `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde${HIDDEN}`,
  'two lengths in one field': `${POST}Content-Length: 5, 5\r\n\r\nabcde${HIDDEN}`,
  'a signed length': `${POST}Content-Length: +5\r\n\r\nabcde${HIDDEN}`,
  'a negative length': `${POST}Content-Length: -5\r\n\r\nabcde${HIDDEN}`,
  'a hexadecimal length': `${POST}Content-Length: 0x5\r\n\r\nabcde${HIDDEN}`,
  'a length with a space in it': `${POST}Content-Length: 5 5\r\n\r\nabcde${HIDDEN}`,
  'an empty length': `${POST}Content-Length: \r\n\r\n${HIDDEN}`,
  'a length that overflows 64 bits': `${POST}Content-Length: 18446744073709551621\r\n\r\nabcde${HIDDEN}`,
  'Transfer-Encoding: xchunked': `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding: chunked, identity': `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding: identity, chunked': `${POST}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding: gzip, chunked': `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding: identity with a length': `${POST}Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc${HIDDEN}`,
  'Transfer-Encoding: "chunked"': `${POST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding with a vertical tab': `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'an empty Transfer-Encoding': `${POST}Transfer-Encoding: \r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding twice': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding: chunked, then identity': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding in HTTP/1.0': `POST ${PATH} HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding, folded': `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a space before the colon': `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a tab before the colon': `${POST}Content-Length\t: 5\r\n\r\nabcde${HIDDEN}`,
  'obsolete line folding': `${POST}X: a\r\n b\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'folding of the first field': `POST ${PATH} HTTP/1.1\r\n Host: a.test\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a bare LF behind the request line': `POST ${PATH} HTTP/1.1\nHost: a.test\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'bare LFs throughout': `POST ${PATH} HTTP/1.1\nHost: a.test\nContent-Length: 0\n\n${HIDDEN}`,
  'a bare LF behind a field': `${POST}X: a\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a bare LF behind the last field': `${POST}Content-Length: 0\n\r\n${HIDDEN}`,
  'a bare LF as the empty line': `${POST}Content-Length: 0\r\n\n${HIDDEN}`,
  'a bare CR in a value': `${POST}X: a\rb\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a bare CR that hides a field': `${POST}X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'NUL in a value': `${POST}X: a\0b\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'NUL in a name': `${POST}X\0: ab\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'NUL behind Transfer-Encoding': `${POST}Transfer-Encoding\0: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'DEL in a value': `${POST}X: a\x7fb\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a field without a colon': `${POST}Xaaaa\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a field without a name': `${POST}: a\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a chunk size that is no number': `${CHUNKED}zz\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a negative chunk size': `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size with 0x': `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'an empty chunk size': `${CHUNKED}\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size with a space before it': `${CHUNKED} 5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size with a space behind it': `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size that overflows 64 bits': `${CHUNKED}10000000000000005\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size behind a bare LF': `${CHUNKED}5\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk that ends in a bare LF': `${CHUNKED}5\r\nhello\n0\r\n\r\n${HIDDEN}`,
  'a chunk that is longer than it says': `${CHUNKED}5\r\nhelloXX\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk that is shorter than it says': `${CHUNKED}9\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a last chunk that ends in bare LFs': `${CHUNKED}5\r\nhello\r\n0\n\n${HIDDEN}`,
  'a chunk extension that ends in a bare LF': `${CHUNKED}5;a\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a bare CR in a chunk extension': `${CHUNKED}5;a\rb\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'NUL in a chunk extension': `${CHUNKED}5;a\0\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a line break quoted in a chunk extension': `${CHUNKED}5;a="\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a malformed trailer': `${CHUNKED}5\r\nhello\r\n0\r\nX : a\r\n\r\n${HIDDEN}`,
  'a length as trailer': `${CHUNKED}5\r\nhello\r\n0\r\nContent-Length: 60\r\n\r\n${HIDDEN}`,
};

describe('a request whose end two readers could see in different places is refused whole:', () => {
  it.each(Object.entries(REFUSED))('%s', async (_name, bytes) => {
    // In one piece, and byte by byte: where the network cuts must change nothing.
    for (const sent of [bytes, [...bytes]]) {
      const outcome = await sendRaw(edge.sidecar, sent);
      expectRefusal(outcome, [400]);
      expect(statusesIn(outcome)).toEqual([400]);
      expect(outcome.ms).toBeLessThan(5_000);
    }
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.violations()).toEqual([]);
    expect(edge.upstream.everything()).not.toContain('smuggled');
  });
});

it('the same bytes are refused on the federation port', async () => {
  for (const bytes of Object.values(REFUSED).slice(0, 8)) {
    expectRefusal(await sendRaw(edge.sidecar, bytes, { on: 'federation' }), [400]);
  }
  expect(edge.upstream.everything()).toBe('');
});

it('chunk extensions are dropped, and a huge one is 413 and reaches nobody', async () => {
  const fine = await sendRaw(edge.sidecar, `${CHUNKED}5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n`);
  expect(statusesIn(fine)).toEqual([200]);
  expect(edge.upstream.requests().map(({ body }) => body.toString())).toEqual(['hello']);
  expect(edge.upstream.everything()).not.toMatch(/;/);
  edge.upstream.reset();
  expectRefusal(
    await sendRaw(edge.sidecar, `${CHUNKED}5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
    [413],
  );
  expect(edge.upstream.requests()).toEqual([]);
  expect(edge.upstream.everything()).not.toContain('smuggled');
});

it('unusual but lawful framing is passed on with the same meaning', async () => {
  const lawful = [
    `${POST}Connection: close\r\nTransfer-Encoding:  CHUNKED\r\n\r\n05\r\nhello\r\n000\r\n\r\n`,
    `\r\n\r\n${POST}Connection: close\r\nContent-Length:   0005\t\r\n\r\nhello`,
    `${CHUNKED}1\r\nh\r\n4\r\nello\r\n0\r\nX-Trailer: a\r\n\r\n`,
    // No framing at all: a field of another name, which CGI-like servers would take for it.
    `${POST}Connection: close\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello`,
  ];
  for (const bytes of lawful) {
    const outcome = await sendRaw(edge.sidecar, bytes);
    expect(statusesIn(outcome), bytes).toEqual([200]);
  }
  expect(edge.upstream.requests().map(({ body }) => body.toString())).toEqual(lawful.map(() => 'hello'));
  expect(edge.upstream.violations()).toEqual([]);
});

describe('what comes behind a request', () => {
  const GET = `GET ${PATH}/first HTTP/1.1\r\nHost: a.test\r\n`;
  const targets = (): string[] => edge.upstream.requests().map(({ target }) => target);

  it('is served in order, one after the other, over one connection to the homeserver', async () => {
    const before = edge.upstream.accepted();
    const many = Array.from({ length: 40 }, (_, index) => `GET ${PATH}/${index} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    const outcome = await sendRaw(edge.sidecar, `${many.join('')}${GET}Connection: close\r\n\r\n`);
    expect(statusesIn(outcome)).toEqual(Array(41).fill(200));
    expect(targets()).toEqual([...many.map((_, index) => `${PATH}/${index}`), `${PATH}/first`]);
    expect(edge.upstream.accepted() - before).toBeLessThanOrEqual(1);
  });

  it('is not looked at when the request was malformed', async () => {
    const outcome = await sendRaw(edge.sidecar, `GET ${PATH}/\x01 HTTP/1.1\r\nHost: a.test\r\n\r\n${HIDDEN}`);
    expectRefusal(outcome, [400]);
    expect(statusesIn(outcome)).toEqual([400]);
    expect(edge.upstream.everything()).toBe('');
  });

  it('is not looked at when the answer closes the connection', async () => {
    const outcome = await sendRaw(
      edge.sidecar,
      `POST /nowhere HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello${HIDDEN}`,
    );
    expectRefusal(outcome, [404]);
    expect(statusesIn(outcome)).toEqual([404]);
    expect(edge.upstream.everything()).toBe('');
  });

  it('is not looked at when the request asked to close, and that request still gets its answer', async () => {
    for (const behind of [HIDDEN, 'garbage', '\0\0\0\0', '\r\n\r\n\r\n']) {
      const outcome = await sendRaw(edge.sidecar, `${GET}Connection: close\r\n\r\n${behind}`);
      expect(outcome.ended).toBe('closed');
      expect(statusesIn(outcome)).toEqual([200]);
    }
    expect(targets()).toEqual(Array(4).fill(`${PATH}/first`));
  });

  it('is answered 400 in its turn when it is malformed, and takes nothing from those before it', async () => {
    const outcome = await sendRaw(
      edge.sidecar,
      `${GET}\r\n${GET}\r\nGET /\x01 HTTP/1.1\r\nHost: a.test\r\n\r\n${HIDDEN}`,
    );
    expectRefusal(outcome, [400]);
    expect(statusesIn(outcome)).toEqual([200, 200, 400]);
    expect(targets()).toEqual([`${PATH}/first`, `${PATH}/first`]);
  });

  it('is answered 400 when its body is malformed, and only what came before it reaches the homeserver whole', async () => {
    const outcome = await sendRaw(edge.sidecar, `${GET}\r\n${CHUNKED}5\r\nhello\n0\r\n\r\n${HIDDEN}`);
    expectRefusal(outcome, [400]);
    expect(statusesIn(outcome)).toEqual([200, 400]);
    expect(targets()).toEqual([`${PATH}/first`]);
  });

  it('is 429 beyond a hundred that wait, and of those nothing reaches the homeserver', async () => {
    const outcome = await sendRaw(edge.sidecar, `${GET}\r\n`.repeat(180));
    expectRefusal(outcome, [429]);
    const statuses = statusesIn(outcome);
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.filter((status) => status === 200).length).toBe(edge.upstream.requests().length);
    expect(edge.upstream.requests().length).toBeGreaterThan(50);
    expect(edge.upstream.requests().length).toBeLessThan(400);
  });
});

describe('an offer to upgrade smuggles nothing:', () => {
  const OFFER = `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;

  it('what a client sends before the homeserver has agreed is not sent on', async () => {
    const outcome = await sendRaw(edge.sidecar, `${OFFER}\r\n${HIDDEN}`);
    expect(outcome.ended).toBe('closed');
    expect(statusesIn(outcome)).toEqual([200]);
    expect(edge.upstream.requests().length).toBe(1);
    expect(edge.upstream.everything()).not.toContain('smuggled');
  });

  it('with a body, the offer is ignored and the body is the body', async () => {
    const once = { until: /\r\n\r\n\{\}$/ };
    const sized = await sendRaw(edge.sidecar, `${OFFER}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`, once);
    const chunked = await sendRaw(
      edge.sidecar,
      `${OFFER}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      once,
    );
    expect([...statusesIn(sized), ...statusesIn(chunked)]).toEqual([200, 200]);
    expect(edge.upstream.requests().map(({ body }) => body.toString())).toEqual([HIDDEN, 'hello']);
    expect(edge.upstream.everything()).not.toMatch(/upgrade/i);
    expect(edge.upstream.violations()).toEqual([]);
  });

  it('to h2c, to anything else, and in HTTP/1.0, it is ignored and not passed on', async () => {
    const others = [
      `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
      `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n`,
      `POST ${PATH} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n`,
      `GET ${PATH} HTTP/1.0\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ];
    for (const bytes of others) {
      const outcome = await sendRaw(edge.sidecar, bytes, { until: /\r\n\r\n\{\}$/ });
      expect(statusesIn(outcome)).toEqual([200]);
    }
    expect(edge.upstream.requests().length).toBe(others.length);
    expect(edge.upstream.everything()).not.toMatch(/upgrade|h2c|http2-settings/i);
  });

  it('behind a request that is under way, it waits for that answer', async () => {
    const outcome = await sendRaw(edge.sidecar, `GET ${PATH}/first HTTP/1.1\r\nHost: a.test\r\n\r\n${OFFER}\r\n`);
    expect(statusesIn(outcome)).toEqual([200, 200]);
    expect(edge.upstream.requests().map(({ target }) => target)).toEqual([`${PATH}/first`, PATH]);
  });
});

describe('Connection', () => {
  it('cannot take away what the sidecar says about the client', async () => {
    const outcome = await sendRaw(
      edge.sidecar,
      `POST ${PATH} HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nConnection: close, X-Forwarded-For, X-Forwarded-Proto, X-Request-Id, Host, Content-Length\r\nContent-Length: 5\r\n\r\nhello`,
    );
    expect(statusesIn(outcome)).toEqual([200]);
    const [request] = edge.upstream.requests();
    const all = (name: string): string[] =>
      request!.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
    expect(all('x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(all('x-forwarded-proto')).toEqual(['https']);
    expect(all('x-forwarded-host')).toEqual(['a.test']);
    expect(all('x-request-id').length).toBe(1);
    expect(all('host')).toEqual(['a.test']);
    expect(request!.body.toString()).toBe('hello');
    expect(edge.upstream.everything()).not.toContain('6.6.6.6');
  });

  it('takes away the fields that it names, and those alone', async () => {
    const outcome = await sendRaw(
      edge.sidecar,
      `GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nX-Hop: 1\r\nX-End: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: trailers\r\nConnection: X-Hop, close\r\n\r\n`,
    );
    expect(statusesIn(outcome)).toEqual([200]);
    const names = edge.upstream.requests()[0]!.headers.map(([name]) => name.toLowerCase());
    expect(names).toContain('x-end');
    expect(names).not.toEqual(expect.arrayContaining(['x-hop']));
    for (const gone of ['x-hop', 'keep-alive', 'proxy-connection', 'te']) expect(names).not.toContain(gone);
  });
});
