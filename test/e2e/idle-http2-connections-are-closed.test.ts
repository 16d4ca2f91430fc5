import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, type TestContext } from 'vitest';
import { FRAME, frame, openRawHttp2 } from '../harness/http2-frames.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { until } from '../harness/until.ts';

/** With `limits.keep_alive` of one second. */
async function startOwnEdge(onTestFinished: TestContext['onTestFinished']): Promise<Edge> {
  const edge = await startEdge();
  onTestFinished(async () => {
    await edge.expectAlive();
    await edge.close();
  });
  return edge;
}

describe.concurrent('an idle connection is closed', () => {
  it('though it pings, and is read', async ({ onTestFinished }) => {
    const edge = await startOwnEdge(onTestFinished);
    const connection = await openRawHttp2(edge.sidecar);
    const began = performance.now();
    const timer = setInterval(() => connection.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8))), 50);
    try {
      await until('the idle connection is closed', connection.closed);
    } finally {
      clearInterval(timer);
    }
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(performance.now() - began).toBeLessThan(6_000);
    // Gracefully: whatever the client sends from now on, it knows that it was not processed.
    expect(
      connection.received.some(({ type, payload }) => type === FRAME.goaway && payload.readUInt32BE(4) === 0),
    ).toBe(true);
  });

  it('though the client never closes its side', async ({ onTestFinished }) => {
    const edge = await startOwnEdge(onTestFinished);
    const options = {
      host: '127.0.0.1',
      port: edge.sidecar.https,
      servername: 'localhost',
      ca: edge.sidecar.ca,
      ALPNProtocols: ['h2'],
      allowHalfOpen: true,
    };
    const socket = connectTls(options);
    let ended = false;
    let closed = false;
    socket.on('error', () => {});
    socket.once('end', () => {
      ended = true;
    });
    socket.once('close', () => {
      closed = true;
    });
    socket.resume();
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frame(FRAME.settings, 0, 0));
    await until('the sidecar has said that it is over', () => ended);
    // It does not wait for us to agree: what we send now is answered with a reset.
    await until('the sidecar has let go of the connection', () => {
      if (!closed && socket.writable) socket.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
      return closed;
    });
  });

  it('while one with a request under way stays, and serves on', async ({ onTestFinished }) => {
    const edge = await startOwnEdge(onTestFinished);
    const session = connectHttp2('https://localhost', {
      createConnection: () =>
        connectTls({
          host: '127.0.0.1',
          port: edge.sidecar.https,
          servername: 'localhost',
          ca: edge.sidecar.ca,
          ALPNProtocols: ['h2'],
        }),
    });
    session.on('error', () => {});
    const sent = session.request({ ':method': 'POST', ':path': '/_matrix/client/v3/slow', ':authority': 'a.test' });
    sent.on('error', () => {});
    let status = 0;
    sent.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    sent.resume();
    // Faster than the stall limit allows it to be, for longer than an idle connection lives.
    const began = performance.now();
    while (performance.now() - began < 1_800) {
      sent.write(Buffer.alloc(8_192, 97));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    sent.end();
    await until('it is answered', () => status !== 0);
    expect(status).toBe(200);
    session.destroy();
  });
});
