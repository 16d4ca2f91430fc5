import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { captureClientHello } from '../harness/client-hello.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { until } from '../harness/until.ts';

/** Milliseconds; `limits.handshake` of these tests. */
const DEADLINE = 1_000;
/** What a busy machine may add. */
const SLACK = 3_000;

let edge: Edge;
let behindProxy: TestSidecar;
let hello: Buffer;
beforeAll(async () => {
  edge = await startEdge();
  behindProxy = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${edge.upstream.url}" }]
listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0", proxy_protocol_from: [127.0.0.1] }
limits: { handshake: 1s, request_headers: 1s, stalled: 1s, keep_alive: 1s }`);
  hello = await captureClientHello();
});
afterAll(async () => {
  await behindProxy?.close();
  await edge?.close();
});
afterEach(() => edge.expectAlive());

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const random = Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * index * 31 + index * 7) & 0xff));

describe('what is no TLS is closed at once:', () => {
  it.each([
    ['zeros', Buffer.alloc(4_000)],
    ['random bytes', random],
    ['a line of SSH', bytes('SSH-2.0-OpenSSH_9.6\r\n')],
    ['a line of SMTP', bytes('EHLO a.test\r\n')],
    ['a PROXY header from a stranger', Buffer.concat([bytes('PROXY TCP4 6.6.6.6 7.7.7.7 1 2\r\n'), random])],
    ['a handshake record of an unknown type', Buffer.concat([bytes('\x16\x03\x01\x00\x40\x63'), Buffer.alloc(63)])],
    ['a record that is longer than TLS allows', Buffer.concat([bytes('\x16\x03\x01\xff\xff'), Buffer.alloc(70_000)])],
    ['application data before a handshake', bytes('\x17\x03\x03\x00\x05hello')],
    ['an alert', bytes('\x15\x03\x01\x00\x02\x02\x28')],
    [
      'a hello of SSL 2',
      bytes(`\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10${'\x01\x00\x80'.repeat(7)}${'a'.repeat(16)}`),
    ],
    ['the preface of HTTP/2 in clear text', bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ])('%s', async (_name, garbage) => {
    for (const on of ['https', 'federation'] as const) {
      const outcome = await sendRaw(edge.sidecar, garbage, { on, plain: true });
      expect(outcome.ended).toBe('closed');
      expect(outcome.ms).toBeLessThan(DEADLINE + SLACK);
      // An alert at most; nothing that looks like an answer.
      expect(outcome.text.length).toBeLessThan(16);
    }
    expect(edge.upstream.violations()).toEqual([]);
  });
});

describe.concurrent('a handshake that is not finished is closed at its deadline, not before and not much later:', () => {
  const expectDeadline = (ms: number): void => {
    expect(ms).toBeGreaterThan(DEADLINE * 0.9);
    expect(ms).toBeLessThan(DEADLINE + SLACK);
  };

  it('silence, or a ClientHello that stops anywhere', async () => {
    const starts: Readonly<Record<string, readonly Buffer[]>> = {
      nothing: [],
      'one byte': [hello.subarray(0, 1)],
      'half a ClientHello': [hello.subarray(0, hello.length >> 1)],
      'all of it but the last byte': [hello.subarray(0, -1)],
      'a whole ClientHello, and nothing behind it': [hello],
    };
    await Promise.all(
      Object.entries(starts).map(async ([name, parts]) => {
        const outcome = await sendRaw(edge.sidecar, parts, { plain: true });
        expect(outcome.ended, name).toBe('closed');
        expectDeadline(outcome.ms);
      }),
    );
  });

  it('a ClientHello that arrives byte by byte for longer than that', async () => {
    const { ms, sent } = await drip(edge.sidecar.https, hello);
    expectDeadline(ms);
    // It was still arriving when it was cut.
    expect(sent).toBeGreaterThan(5);
    expect(sent).toBeLessThan(hello.length);
  });

  it('a PROXY header and a ClientHello, which share one deadline', async () => {
    const proxy = bytes('PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n');
    const [dripped, ...others] = await Promise.all([
      drip(behindProxy.https, Buffer.concat([proxy, hello])),
      sendRaw(behindProxy, proxy, { plain: true }),
      sendRaw(behindProxy, proxy, { on: 'federation', plain: true }),
      sendRaw(behindProxy, bytes('PROXY '), { on: 'http' }),
    ]);
    expectDeadline(dripped.ms);
    expect(dripped.sent).toBeLessThan(proxy.length + hello.length);
    for (const { ms, ended } of others) {
      expect(ended).toBe('closed');
      expectDeadline(ms);
    }
  });

  it('two hundred of them at once, while others are served', async () => {
    const halves = Array.from({ length: 200 }, () =>
      sendRaw(edge.sidecar, [hello.subarray(0, 100)], { plain: true, patience: DEADLINE + 6_000 }),
    );
    await edge.expectAlive();
    for (const outcome of await Promise.all(halves)) expect(outcome.ended).toBe('closed');
  });
});

it('a peer that is to send a PROXY header and does not is closed at once', async () => {
  for (const start of [
    hello,
    bytes('GET / HTTP/1.1\r\n\r\n'),
    bytes('PROXY HELLO\r\n'),
    bytes('\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c'),
  ]) {
    for (const on of ['https', 'http'] as const) {
      const outcome = await sendRaw(behindProxy, start, { on, plain: true });
      expect(outcome).toMatchObject({ ended: 'closed', text: '' });
      expect(outcome.ms).toBeLessThan(DEADLINE);
    }
  }
});

it('a client that leaves in the middle of the handshake, or right behind it, costs nothing', async () => {
  for (let round = 0; round < 150; round++) {
    const half = connect(edge.sidecar.https, '127.0.0.1');
    half.on('error', () => {});
    half.once('connect', () => {
      half.write(hello.subarray(0, (round * 13) % hello.length));
      half.resetAndDestroy();
    });
    const whole = connectTls({
      host: '127.0.0.1',
      port: edge.sidecar.https,
      servername: 'localhost',
      ca: edge.sidecar.ca,
      ALPNProtocols: [round % 2 === 0 ? 'h2' : 'http/1.1'],
    });
    whole.on('error', () => {});
    await new Promise<void>((resolve) => {
      whole.once('secureConnect', () => {
        if (round % 3 === 0) whole.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
        whole.destroy();
      });
      whole.once('close', resolve);
    });
  }
});

/** Sends one byte at a time, in so many pieces that it takes twice the deadline. */
async function drip(port: number, whole: Buffer): Promise<{ readonly ms: number; readonly sent: number }> {
  const began = performance.now();
  const socket: Socket = connect(port, '127.0.0.1');
  let closed = false;
  let sent = 0;
  socket.on('error', () => {});
  socket.setNoDelay(true);
  socket.once('close', () => {
    closed = true;
  });
  socket.resume();
  const every = Math.max(5, (2 * DEADLINE) / whole.length);
  const timer = setInterval(() => {
    if (closed || sent === whole.length) return;
    socket.write(whole.subarray(sent, sent + 1));
    sent++;
  }, every);
  try {
    await until('the dripping connection is closed', () => closed);
    return { ms: performance.now() - began, sent };
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
}
