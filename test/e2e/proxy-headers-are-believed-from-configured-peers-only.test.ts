import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let behind: TestSidecar;
let open: TestSidecar;
const seen: (string | string[] | undefined)[] = [];

const V1 = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n');
const V1_SIX = Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n');
const V1_UNKNOWN = Buffer.from('PROXY UNKNOWN\r\n');
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2, PROXY over TCP and IPv4, with a TLV that says nothing (type 0x04, NOOP). */
const V2 = Buffer.concat([
  SIGNATURE,
  Buffer.from([0x21, 0x11, 0, 12 + 5]),
  Buffer.from([192, 0, 2, 9, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb]),
  Buffer.from([0x04, 0, 2, 0, 0]),
]);
/** Version 2, LOCAL: a health check of the balancer's own. */
const V2_LOCAL = Buffer.concat([SIGNATURE, Buffer.from([0x20, 0, 0, 0])]);

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    seen.push(request.headers['x-forwarded-for']);
    response.end('{}');
  });
  const common = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { handshake: 1s }`;
  const listen = 'https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0"';
  behind = await startTestSidecar(`listen: { ${listen}, proxy_protocol_from: [127.0.0.1] }\n${common}`);
  open = await startTestSidecar(`listen: { ${listen}, proxy_protocol_from: [192.0.2.0/24] }\n${common}`);
});
afterAll(async () => {
  await behind?.close();
  await open?.close();
  await upstream?.close();
});

const REQUEST = 'GET /_matrix/key/v2/server HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';

interface Outcome {
  readonly text: string;
  readonly ms: number;
}

/** Collects what comes until the connection closes. */
function collect(socket: Duplex, raw: Socket = socket as Socket): Promise<Outcome> {
  const began = performance.now();
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    raw.on('error', () => {});
    raw.once('close', () => resolve({ text, ms: performance.now() - began }));
  });
}

/** How the first bytes, PROXY header and ClientHello, are cut into packets. */
type Cut = 'apart' | 'together' | 'bytewise';

/** A TLS client whose connection begins with `header`. */
async function overTls(port: number, ca: string, header: Buffer, cut: Cut): Promise<Outcome> {
  const raw = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  const ended = { begun: false };
  const between = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (ended.begun) return void raw.write(chunk, done);
      ended.begun = true;
      void sendFirst(raw, header, chunk, cut).then(() => done(), done);
    },
    final(done) {
      raw.end(done);
    },
  });
  raw.on('data', (chunk) => between.push(chunk));
  raw.on('close', () => between.push(null));
  const tls = connectTls({ socket: between, servername: 'localhost', ca, ALPNProtocols: ['http/1.1'] }, () => {
    tls.write(REQUEST);
  });
  return collect(tls, raw);
}

async function sendFirst(raw: Socket, header: Buffer, hello: Buffer, cut: Cut): Promise<void> {
  const all = Buffer.concat([header, hello]);
  const pieces = {
    apart: [header, hello],
    together: [all],
    bytewise: [
      ...Array.from(all.subarray(0, header.length + 20), (byte) => Buffer.from([byte])),
      all.subarray(header.length + 20),
    ],
  }[cut];
  for (const piece of pieces) {
    await new Promise((resolve) => raw.write(piece, resolve));
    // A turn of the loop for each, so that they leave as packets of their own.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function inClear(port: number, bytes: Buffer | string): Promise<Outcome> {
  const raw = connectTcp({ port, host: '127.0.0.1' }, () => raw.write(bytes));
  return collect(raw);
}

describe.each(['https', 'federation'] as const)('on the %s port, from a configured peer', (listener) => {
  it.each([
    ['version 1', V1, 'apart', '192.0.2.7'],
    ['version 1 in one packet with the ClientHello', V1, 'together', '192.0.2.7'],
    ['version 1 byte by byte', V1, 'bytewise', '192.0.2.7'],
    ['version 1 with IPv6', V1_SIX, 'together', '2001:db8::7'],
    ['version 1 without addresses', V1_UNKNOWN, 'together', '127.0.0.1'],
    ['version 2', V2, 'apart', '192.0.2.9'],
    ['version 2 in one packet with the ClientHello', V2, 'together', '192.0.2.9'],
    ['version 2 byte by byte', V2, 'bytewise', '192.0.2.9'],
    ['version 2, LOCAL', V2_LOCAL, 'together', '127.0.0.1'],
  ] as const)('%s tells the homeserver the address', async (_name, header, cut, address) => {
    seen.length = 0;
    const { text } = await overTls(behind[listener], behind.ca, header, cut);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen).toEqual([address]);
  });

  it('no header is the end of the connection, at once and without a word', async () => {
    seen.length = 0;
    const { text, ms } = await overTls(behind[listener], behind.ca, Buffer.alloc(0), 'together');
    expect([text, seen]).toEqual(['', []]);
    expect(ms).toBeLessThan(900);
  });

  it('a broken header is the end of the connection', async () => {
    seen.length = 0;
    const { text } = await overTls(behind[listener], behind.ca, Buffer.from('PROXY TCP4 x y 1 2\r\n'), 'together');
    expect([text, seen]).toEqual(['', []]);
  });
});

it('one deadline covers header and handshake', async () => {
  const halfHello = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]);
  const slow = (port: number): Promise<Outcome> => {
    const raw = connectTcp({ port, host: '127.0.0.1' });
    // The header takes most of the second; a deadline of its own for the handshake would end later.
    setTimeout(() => raw.write(V1), 700);
    return collect(raw);
  };
  const outcomes = await Promise.all(
    (['https', 'federation'] as const).flatMap((listener) => [
      inClear(behind[listener], Buffer.alloc(0)),
      inClear(behind[listener], V2.subarray(0, 20)),
      inClear(behind[listener], Buffer.concat([V1, halfHello])),
      inClear(open[listener], halfHello),
      slow(behind[listener]),
    ]),
  );
  expect(outcomes.map(({ text }) => text)).toEqual(Array(10).fill(''));
  for (const { ms } of outcomes) expect(ms).toBeGreaterThan(800);
  for (const { ms } of outcomes) expect(ms).toBeLessThan(5_000);
  // All began together, so that the machine's load is in all of them.
  const [silent, , , , slowest] = outcomes.map(({ ms }) => ms);
  expect(slowest! - silent!).toBeLessThan(500);
});

describe('from a peer that is not configured', () => {
  it.each(['https', 'federation'] as const)('a header is garbage before TLS, on the %s port', async (listener) => {
    seen.length = 0;
    for (const header of [V1, V2]) {
      const { text } = await overTls(open[listener], open.ca, header, 'together');
      expect(text).not.toContain('200');
    }
    expect(seen).toEqual([]);
  });

  it('a header is a bad request in clear text', async () => {
    const { text } = await inClear(
      open.http,
      Buffer.concat([V1, Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')]),
    );
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('connections without a header are served as ever', async () => {
    seen.length = 0;
    const { text } = await overTls(open.https, open.ca, Buffer.alloc(0), 'together');
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen).toEqual(['127.0.0.1']);
  });
});

describe('on the clear-text port, from a configured peer', () => {
  it.each([V1, V2])('a header comes before the request', async (header) => {
    const { text } = await inClear(behind.http, Buffer.concat([header, Buffer.from(REQUEST)]));
    expect(text).toMatch(/^HTTP\/1\.1 301 /);
  });

  it('a request without one is not answered', async () => {
    expect((await inClear(behind.http, REQUEST)).text).toBe('');
  });
});

it('the admin listener takes no header: health checks come from beside it', async () => {
  const ask = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  expect((await inClear(behind.admin, ask)).text).toMatch(/^HTTP\/1\.1 200 /);
  expect((await inClear(behind.admin, Buffer.concat([V1, Buffer.from(ask)]))).text).toMatch(/^HTTP\/1\.1 400 /);
});
