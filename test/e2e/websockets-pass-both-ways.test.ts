import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRaw, type RawSocket } from '../harness/raw-socket.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { until } from '../harness/until.ts';
import { startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let client: RawSocket;
/** The connection to the homeserver, and the head that came on it. */
let arrived: { socket: Socket; head: string; after: string; closed: boolean }[] = [];
let onHead: (socket: Socket) => void;

const ACCEPT =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: m.json\r\n\r\n';

function onConnection(socket: Socket): void {
  const one = { socket, head: '', after: '', closed: false };
  arrived.push(one);
  socket.once('close', () => {
    one.closed = true;
  });
  socket.on('data', (chunk: Buffer) => {
    if (one.head.includes('\r\n\r\n')) one.after += chunk.toString('latin1');
    else {
      one.head += chunk.toString('latin1');
      const end = one.head.indexOf('\r\n\r\n');
      if (end === -1) return;
      one.after = one.head.slice(end + 4);
      one.head = one.head.slice(0, end + 4);
      onHead(socket);
    }
  });
}

beforeAll(async () => {
  upstream = await startRawUpstream(onConnection);
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
beforeEach(() => {
  arrived = [];
  onHead = (socket) => void socket.write(ACCEPT);
  client = openRaw(sidecar);
});
afterEach(() => client.socket.destroy());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

function upgrade(path = '/_matrix/client/ws', ...more: string[]): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: a.test:8448',
    'Upgrade: websocket',
    'Connection: keep-alive, Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...more,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function values(name: string): string[] {
  return arrived[0]!.head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());
}

it('bytes pass both ways, any bytes, as they come', async () => {
  client.write(upgrade());
  expect(await client.untilText(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
  client.write('\x81\x05hello\0\xff');
  await until('the bytes at the homeserver', () => arrived[0]!.after === '\x81\x05hello\0\xff');
  arrived[0]!.socket.write(Buffer.from('\x81\x02hi\x88', 'latin1'));
  expect((await client.untilText(/\x88/)).endsWith('\r\n\r\n\x81\x02hi\x88')).toBe(true);
  for (let index = 0; index < 50; index++) {
    client.write(`<${index}>`);
    await until('each message by itself', () => arrived[0]!.after.endsWith(`<${index}>`));
  }
});

it('a megabyte each way arrives whole', async () => {
  client.write(upgrade());
  await client.untilText(/\r\n\r\n/);
  client.write(Buffer.alloc(1_000_000, 'u'));
  arrived[0]!.socket.write(Buffer.alloc(1_000_000, 'd'));
  await until('the way up', () => arrived[0]!.after.length === 1_000_000);
  await until('the way down', () => client.text().length >= 1_000_000 && client.text().endsWith('d'.repeat(999_000)));
});

it('the answer has the headers of the homeserver, the subprotocol among them', async () => {
  client.write(upgrade('/_matrix/client/ws', 'Sec-WebSocket-Protocol: m.json, other'));
  const text = await client.untilText(/\r\n\r\n/);
  expect(text).toMatch(/\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
  expect(text).toMatch(/\r\nsec-websocket-protocol: m\.json\r\n/i);
  expect(text).toMatch(/\r\nconnection: upgrade\r\n/i);
  expect(values('sec-websocket-protocol')).toEqual(['m.json, other']);
});

it('the request has the headers of any forwarded request', async () => {
  client.write(
    upgrade(
      '/_matrix/client/ws',
      ...['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: http', 'Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6'],
      ...['Keep-Alive: timeout=5', 'TE: trailers', 'Proxy-Authorization: secret', 'X-Request-Id: chosen'],
      ...['Authorization: Bearer one', 'Authorization: Bearer two', 'Origin: https://app.test', 'Cookie: a=1'],
    ),
  );
  await client.untilText(/\r\n\r\n/);
  expect(values('host')).toEqual(['a.test:8448']);
  expect(values('x-forwarded-for')).toEqual(['127.0.0.1']);
  expect(values('x-forwarded-proto')).toEqual(['https']);
  expect(values('x-forwarded-host')).toEqual(['a.test:8448']);
  expect(values('x-request-id')).toHaveLength(1);
  expect(values('authorization')).toEqual(['Bearer one', 'Bearer two']);
  expect(values('origin')).toEqual(['https://app.test']);
  expect(values('cookie')).toEqual(['a=1']);
  expect(values('upgrade')).toEqual(['websocket']);
  expect(values('connection').map((value) => value.toLowerCase())).toEqual(['upgrade']);
  expect(values('sec-websocket-key')).toEqual(['dGhlIHNhbXBsZSBub25jZQ==']);
  expect(arrived[0]!.head).not.toMatch(/6\.6\.6\.6|secret|chosen|timeout=5|trailers/);
});

it('the request target arrives byte for byte', async () => {
  const path = '/_matrix//x/../y/%2F%21{|}\\^`"\'?a=b??&%zz;';
  client.write(upgrade(path));
  await client.untilText(/\r\n\r\n/);
  expect(arrived[0]!.head.slice(0, arrived[0]!.head.indexOf('\r\n'))).toBe(`GET ${path} HTTP/1.1`);
});

it('bytes that the client sends right behind its request are not lost', async () => {
  client.write(`${upgrade()}\x81\x05early`);
  await client.untilText(/\r\n\r\n/);
  await until('the bytes at the homeserver', () => arrived[0]!.after === '\x81\x05early');
});

it('bytes that the homeserver sends right behind its answer are not lost', async () => {
  onHead = (socket) => void socket.write(Buffer.from(`${ACCEPT}\x81\x05early`, 'latin1'));
  client.write(upgrade());
  expect((await client.untilText(/early/)).endsWith('\r\n\r\n\x81\x05early')).toBe(true);
});

it.each([
  ['with a length', 'Content-Length: 9\r\n\r\nforbidden'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n9\r\nforbidden\r\n0\r\n\r\n'],
])('a refusal of the homeserver passes, %s', async (_, rest) => {
  onHead = (socket) => void socket.end(`HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Type: text/plain\r\n${rest}`);
  client.write(upgrade());
  const text = await client.untilClosed();
  expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  expect(text).toMatch(/\r\nx-why: no\r\n/i);
  expect(text).toContain('forbidden');
  expect(text.toLowerCase().includes('transfer-encoding: chunked')).toBe(/\r\n9\r\nforbidden\r\n0\r\n\r\n$/.test(text));
});

it.each<[string, (socket: Socket) => void, number]>([
  ['closes without an answer', (socket) => socket.end(), 502],
  ['resets', (socket) => socket.resetAndDestroy(), 502],
  ['speaks something else', (socket) => void socket.write('SSH-2.0-OpenSSH_9.2p1\r\n\r\n'), 502],
])('a homeserver that %s: a Matrix error with CORS, and the end', async (_, behave, status) => {
  onHead = behave;
  client.write(upgrade());
  const text = await client.untilClosed();
  expect(text.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
  expect(text).toContain('"errcode":"M_UNKNOWN"');
  expect(text).toMatch(/\r\nAccess-Control-Allow-Origin: \*\r\n/);
});

it('a homeserver that is down: 502', async () => {
  const gone = await startRawUpstream(() => {});
  await gone.close();
  const on = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${gone.url}" }]`);
  const raw = openRaw(on);
  raw.write(upgrade());
  expect(await raw.untilClosed()).toMatch(/^HTTP\/1\.1 502 .*"errcode":"M_UNKNOWN"/s);
  await on.close();
});

describe('one side that goes', () => {
  it.each([
    ['ends', (socket: Socket) => void socket.end()],
    ['is cut', (socket: Socket) => void socket.destroy()],
  ])('the client %s: so does the connection to the homeserver', async (_, go) => {
    client.write(upgrade());
    await client.untilText(/\r\n\r\n/);
    go(client.socket);
    await until('the homeserver to be left', () => arrived[0]!.closed, 2_000);
  });

  it.each([
    ['ends', (socket: Socket) => void socket.end('bye')],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ])('the homeserver %s: so does the connection to the client', async (how, go) => {
    client.write(upgrade());
    await client.untilText(/\r\n\r\n/);
    go(arrived[0]!.socket);
    const text = await client.untilClosed();
    if (how === 'ends') expect(text).toMatch(/bye$/);
  });

  it('the client, with a homeserver that would keep its own half open', async () => {
    let ended = false;
    let closed = false;
    const stubborn = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(ACCEPT));
      socket.once('end', () => {
        ended = true;
      });
      socket.once('close', () => {
        closed = true;
      });
      // What arrives at a connection that is gone is answered with a reset, and that closes this one.
      setInterval(() => socket.write('.'), 20).unref();
    });
    await new Promise<void>((resolve) => stubborn.listen(0, '127.0.0.1', resolve));
    const { port } = stubborn.address() as AddressInfo;
    const on = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:${port}" }]`);
    const raw = openRaw(on);
    raw.write(upgrade());
    await raw.untilText(/\r\n\r\n/);
    raw.socket.destroy();
    await until('the end', () => ended, 2_000);
    await until('the close', () => closed, 2_000);
    await on.close();
    await new Promise((resolve) => stubborn.close(resolve));
  });

  it('the client before the homeserver has answered: the request there ends too', async () => {
    onHead = () => {};
    client.write(upgrade());
    await until('the request at the homeserver', () => arrived[0]?.head !== undefined && arrived[0].head !== '');
    client.socket.destroy();
    await until('its end', () => arrived[0]!.closed, 2_000);
  });
});

it('a homeserver on a unix socket is reached as any other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'unix-'));
  const unix = await startRawUpstream(onConnection, { path: join(folder, 'main.sock') });
  const on = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${unix.url}" }]`);
  const raw = openRaw(on);
  raw.write(upgrade());
  await raw.untilText(/^HTTP\/1\.1 101 .*\r\n\r\n$/s);
  expect(values('host')).toEqual(['a.test:8448']);
  raw.socket.destroy();
  await on.close();
  await unix.close();
  await rm(folder, { recursive: true });
});

it.each([['h2c'], ['TLS/1.0'], ['foo']])(
  'an offer of %s is not taken: the request is served as any other',
  async (offer) => {
    onHead = (socket) => void socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}');
    client.write(
      `GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${offer}\r\n` +
        'HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    );
    expect(await client.untilText(/\{\}/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(arrived[0]!.head).not.toMatch(/upgrade|http2-settings/i);
  },
);

it('many can be open at once, and requests pass beside them', async () => {
  const all = Array.from({ length: 50 }, () => openRaw(sidecar));
  for (const one of all) one.write(upgrade());
  await until('all of them open', () => all.every((one) => one.text().includes('101 Switching')));
  onHead = (socket) => void socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}');
  client.write('GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await client.untilText(/\{\}/);
  for (const one of all) one.socket.destroy();
  await until('none left at the homeserver', () => upstream.open() <= 1);
});

describe('its line in the log', () => {
  const lines = (on: TestSidecar) =>
    on.logged.filter(({ sentence }) => sentence === 'request').map((one) => one.fields);
  const start = (requests: string): Promise<TestSidecar> =>
    startTestSidecar(
      `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlog: { requests: ${requests} }`,
    );

  it('is written at its end, with the bytes of both ways and how long it was open', async () => {
    const on = await start('all');
    onHead = (socket) => void socket.write(`${ACCEPT}first`);
    const raw = openRaw(on);
    raw.write(`${upgrade()}early`);
    await raw.untilText(/first$/);
    raw.write('0123456789');
    await until('the bytes at the homeserver', () => arrived[0]!.after === 'early0123456789');
    arrived[0]!.socket.write('x'.repeat(1000));
    await raw.untilText(/x{1000}$/);
    expect(lines(on)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    raw.socket.destroy();
    await until('its line', () => lines(on).length === 1);
    expect(lines(on)[0]).toMatchObject({
      ...{ request_id: expect.stringMatching(/^[\w-]{8,}$/), method: 'GET', path: '/_matrix/client/ws', status: 101 },
      ...{ surface: 'client', server: 'a.test', bytes_in: 15, bytes_out: 1005, host: 'a.test:8448' },
    });
    expect(lines(on)[0]!['ms']).toBeGreaterThanOrEqual(50);
    await on.close();
  });

  it('says what the homeserver said in place of an upgrade, or that its client did not wait', async () => {
    const on = await start('all');
    onHead = (socket) => void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    const raw = openRaw(on);
    raw.write(upgrade());
    await raw.untilText(/403/);
    raw.socket.destroy();
    await until('its line', () => lines(on).length === 1);
    onHead = () => {};
    arrived = [];
    const impatient = openRaw(on);
    impatient.write(upgrade());
    await until('the request at the homeserver', () => arrived[0]?.head !== undefined && arrived[0].head !== '');
    impatient.socket.destroy();
    await until('the other line', () => lines(on).length === 2);
    expect(lines(on).map(({ status }) => status)).toEqual([403, 0]);
    await on.close();
  });

  it('is not written where only failures have one', async () => {
    const on = await start('errors');
    const raw = openRaw(on);
    raw.write(upgrade());
    await raw.untilText(/101/);
    raw.socket.destroy();
    await until('the end', () => arrived[0]!.closed);
    await on.close();
    expect(lines(on)).toEqual([]);
  });
});
