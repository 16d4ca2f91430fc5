import type { ClientHttp2Session } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { askHttp2, openHttp2, type Reachable } from '../harness/client.ts';
import { type ServeProcess, startServe } from '../harness/process.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

/** A sidecar in a process of its own, with a homeserver of its own. */
interface Pair extends ServeProcess {
  readonly upstream: TestUpstream;
  /** Requests for /_matrix/slow and the second half of /_matrix/stream wait here until the test lets them go. */
  readonly held: (() => void)[];
}

const leftOver: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of leftOver) await end();
});

async function start(drain = '20s'): Promise<Pair> {
  const held: (() => void)[] = [];
  const upstream = await startHttpUpstream((request, response) => {
    if (request.url === '/_matrix/slow') held.push(() => response.end('{"slow":true}'));
    else if (request.url === '/_matrix/stream') {
      response.write('begin ');
      held.push(() => response.end('end'));
    } else response.end('{}');
  });
  const serve = await startServe(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
limits: { drain: ${drain}, handshake: 30s }`);
  leftOver.push(serve.close, upstream.close);
  return { ...serve, upstream, held };
}

interface Line {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: Promise<void>;
  readonly isClosed: () => boolean;
  get(path: string): void;
}

/** A keep-alive connection over TLS and HTTP/1.1. */
async function connect(to: Reachable): Promise<Line> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: to.https,
    servername: 'localhost',
    ca: to.ca,
    ALPNProtocols: ['http/1.1'],
  });
  leftOver.push(() => socket.destroy());
  let text = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const end = new Promise<void>((resolve) => {
    socket.once('close', () => {
      closed = true;
      resolve();
    });
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return {
    socket,
    text: () => text,
    closed: end,
    isClosed: () => closed,
    get: (path) => void socket.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`),
  };
}

function http2(to: Reachable): ClientHttp2Session {
  const session = openHttp2(to);
  leftOver.push(() => session.destroy());
  return session;
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });

describe.concurrent('SIGTERM', () => {
  it('requests under way finish, nothing new is accepted, idle connections are closed, and it ends with 0', async () => {
    const serve = await start();
    const { held } = serve;
    const slow = await connect(serve);
    const streaming = await connect(serve);
    const idle = await connect(serve);
    const session = http2(serve);
    const idleSession = http2(serve);
    slow.get('/_matrix/slow');
    streaming.get('/_matrix/stream');
    idle.get('/_matrix/x');
    const slowStream = askHttp2(session, { ':path': '/_matrix/slow', ':authority': 'a.test' });
    await askHttp2(idleSession, { ':path': '/_matrix/x', ':authority': 'a.test' });
    await until('all requests at the homeserver', () => held.length === 3);
    await until('the idle one answered', () => idle.text().endsWith('{}'));
    await until('half of the stream', () => streaming.text().includes('begin'));
    let goaway = false;
    session.once('goaway', () => {
      goaway = true;
    });

    serve.child.kill('SIGTERM');
    await idle.closed;
    await until('GOAWAY', () => goaway);
    await until('the idle session closed', () => idleSession.closed || idleSession.destroyed);
    expect([slow.isClosed(), streaming.isClosed()]).toEqual([false, false]);
    const ports = [serve.https, serve.federation, serve.http, serve.admin];
    expect(await Promise.all(ports.map(refused))).toEqual([true, true, true, true]);

    for (const release of held.splice(0)) release();
    const answer = await slowStream;
    expect([answer.status, answer.body.toString()]).toEqual([200, '{"slow":true}']);
    await slow.closed;
    expect(slow.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(slow.text()).toMatch(/\r\nConnection: close\r\n/i);
    expect(slow.text().endsWith('{"slow":true}')).toBe(true);
    await streaming.closed;
    expect(streaming.text()).toMatch(/begin [\s\S]*end\r\n0\r\n\r\n$/);

    expect(await serve.exited).toEqual({ code: 0, signal: null });
    expect(serve.log().at(-1)).toMatchObject({ level: 'info', msg: 'Stopped.' });
    expect(serve.log().filter(({ msg }) => msg === 'Stopped.')).toHaveLength(1);
    expect(serve.stderr()).toBe('');
  });

  it('a request that comes on an open connection while others finish is served, and ends the connection', async () => {
    const serve = await start();
    const { held } = serve;
    const [slow, busy] = [await connect(serve), await connect(serve)];
    slow.get('/_matrix/slow');
    await until('the slow one at the homeserver', () => held.length === 1);
    busy.get('/_matrix/stream');
    await until('both at the homeserver', () => held.length === 2);
    serve.child.kill('SIGTERM');
    await serve.logged(/^Draining/);
    // Its answer had begun before, so that it said nothing about the end of its connection.
    held.pop()?.();
    await until('the stream complete', () => busy.text().endsWith('0\r\n\r\n'));
    expect(busy.text()).not.toMatch(/Connection: close/i);
    if (!busy.isClosed()) {
      busy.get('/_matrix/x');
      await busy.closed;
      expect(busy.text()).toMatch(/Connection: close\r\n[\s\S]*\{\}$/i);
    }
    held.pop()?.();
    await slow.closed;
    expect(await serve.exited).toEqual({ code: 0, signal: null });
  });

  it('a stuck request is cut after limits.drain, and it ends with 0', async () => {
    const serve = await start('1s');
    const { held, upstream } = serve;
    const stuck = await connect(serve);
    stuck.get('/_matrix/slow');
    const session = http2(serve);
    const stuckStream = askHttp2(session, { ':path': '/_matrix/slow', ':authority': 'a.test' }).catch(() => 'cut');
    await until('both at the homeserver', () => held.length === 2);
    const began = performance.now();
    serve.child.kill('SIGTERM');
    expect(await serve.exited).toEqual({ code: 0, signal: null });
    const ms = performance.now() - began;
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(6_000);
    await stuck.closed;
    expect([stuck.text(), await stuckStream]).toEqual(['', 'cut']);
    // The homeserver learns at once that nobody waits any more.
    await until('connections to the homeserver closed', () => upstream.open() === 0);
  });

  it('a second signal ends it at once, with 0', async () => {
    const serve = await start('1h');
    const { held } = serve;
    const stuck = await connect(serve);
    stuck.get('/_matrix/slow');
    await until('it is at the homeserver', () => held.length === 1);
    serve.child.kill('SIGTERM');
    await serve.logged(/^Draining/);
    expect(serve.child.exitCode).toBe(null);
    serve.child.kill('SIGINT');
    await stuck.closed;
    expect(await serve.exited).toEqual({ code: 0, signal: null });
    expect(serve.log().filter(({ msg }) => msg === 'Stopped.')).toHaveLength(1);
  });

  it('one Ctrl-C that comes twice, from the terminal and from npm, is one; another one ends it at once', async () => {
    const serve = await start('1h');
    const { held } = serve;
    const stuck = await connect(serve);
    stuck.get('/_matrix/slow');
    await until('it is at the homeserver', () => held.length === 1);
    serve.child.kill('SIGINT');
    await serve.logged(/^Draining/);
    serve.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect([serve.child.exitCode, serve.log().some(({ msg }) => /^Asked again/.test(String(msg)))]).toEqual([
      null,
      false,
    ]);
    serve.child.kill('SIGINT');
    await stuck.closed;
    expect(await serve.exited).toEqual({ code: 0, signal: null });
  });

  it('clients that say nothing, or half of something, do not hold it up', async () => {
    const serve = await start('1h');
    const bare = (port: number): Socket => {
      // allowHalfOpen: one that does not even say goodbye.
      const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      leftOver.push(() => socket.destroy());
      return socket;
    };
    const silent = bare(serve.https);
    const halfHello = bare(serve.federation);
    halfHello.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    const halfRequest = bare(serve.http);
    halfRequest.write('GET / HTTP/1.1\r\nHo');
    const noRequest = await connect(serve);
    const session = http2(serve);
    await askHttp2(session, { ':path': '/_matrix/x', ':authority': 'a.test' });
    await until('connections', () => [silent, halfHello, halfRequest].every((socket) => !socket.connecting));
    const began = performance.now();
    serve.child.kill('SIGTERM');
    expect(await serve.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(5_000);
    await noRequest.closed;
  });
});
