import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, type TestContext } from 'vitest';
import { realSystem } from '../../../src/base/system.ts';
import { createTurns } from '../../../src/forward/upstream/turns.ts';
import { Wire } from '../../../src/forward/upstream/wire.ts';
import { pause, until } from '../../harness/until.ts';
import { readRequests, startRawUpstream } from '../../harness/upstream.ts';

const FINE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';

interface Outcome {
  status: number;
  interim: number[];
  body: string;
  trailers: readonly string[] | undefined;
  error: (Error & { code?: string }) | undefined;
}

/** A wire to a homeserver that answers each request by `answer`. */
async function setUp(
  { onTestFinished }: TestContext,
  answer: (socket: Socket, count: number, head: string, body: Buffer) => void,
) {
  let count = 0;
  let lost = 0;
  const heads: string[] = [];
  const upstream = await startRawUpstream((socket) =>
    readRequests(socket, (head, body) => {
      heads.push(head);
      answer(socket, ++count, head, body);
    }),
  );
  const wire = new Wire({
    system: realSystem,
    turns: createTurns(),
    connect(done) {
      const socket = connect({ port: upstream.port, host: '127.0.0.1' });
      const onError = (error: Error): void => done(error, null);
      socket.once('error', onError);
      socket.once('connect', () => {
        socket.off('error', onError);
        done(null, socket);
      });
    },
    lost: () => void lost++,
  });
  onTestFinished(async () => {
    wire.destroy();
    await upstream.close();
  });
  function send(
    method = 'GET',
    body: Buffer | Readable | null = null,
    { headers = ['host', 'a.test'], within = 5_000, onHead = () => {} } = {},
  ): Promise<Outcome> {
    return new Promise((resolve) => {
      const seen: Outcome = { status: 0, interim: [], body: '', trailers: undefined, error: undefined };
      wire.dispatch(
        { method, target: '/x', headers, body, answerWithin: within, moveWithin: within },
        {
          begun() {},
          interim: ({ status }) => void seen.interim.push(status),
          head({ status }) {
            seen.status = status;
            onHead();
          },
          data(chunk) {
            seen.body += chunk.toString('latin1');
          },
          end(trailers) {
            resolve({ ...seen, trailers });
          },
          failed: (error) => resolve({ ...seen, error }),
        },
      );
    });
  }
  return { upstream, wire, send, heads, lost: () => lost };
}

describe('a connection to the homeserver', () => {
  it('carries one request after the other', async (context) => {
    const { upstream, wire, send } = await setUp(context, (socket) => void socket.write(FINE));
    for (let count = 0; count < 50; count++) {
      expect(await send(count % 2 === 0 ? 'GET' : 'PUT')).toMatchObject({ status: 200, body: '{}', error: undefined });
      expect(wire.isReusable).toBe(true);
    }
    expect(upstream.accepted()).toBe(1);
  });

  it.for<[string, string, string]>([
    ['its answer says close', 'GET', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}'],
    ['it is closed soon', 'GET', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\n{}'],
    ['there is something behind the answer', 'GET', `${FINE}HTTP/1.1 200 OK\r\nX: smuggled`],
    ['a HEAD may have a body nevertheless', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'],
    ['it is of HTTP/1.0', 'GET', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
  ])('is not used again where %s', async ([, method, text], context) => {
    const { upstream, wire, send } = await setUp(context, (socket) => void socket.write(text));
    expect(await send(method)).toMatchObject({ status: 200, body: method === 'HEAD' ? '' : '{}', error: undefined });
    expect(wire.isReusable).toBe(false);
    await until('it is closed', () => upstream.open() === 0);
  });

  it('is not used again behind a body that a homeserver does not look for', async (context) => {
    const { upstream, send, heads } = await setUp(context, (socket) => void socket.write(FINE));
    expect((await send('DELETE', Buffer.from('{}'))).status).toBe(200);
    expect(heads[0]).toContain('connection: close');
    await until('it is closed', () => upstream.open() === 0);
  });

  it('is closed by bytes that nobody asked for, and says so', async (context) => {
    const { wire, send, lost } = await setUp(context, (socket) => {
      socket.write(FINE);
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG'), 20);
    });
    expect((await send()).body).toBe('{}');
    await until('it is lost', () => lost() === 1);
    expect(wire.isReusable).toBe(false);
  });

  it.for<[string, (socket: Socket) => void]>([
    ['closed', (socket) => void socket.end()],
    ['reset', (socket) => void socket.resetAndDestroy()],
    ['written to', (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG')],
  ])(
    'that was %s before the request came is not used for it, and not even a POST notices',
    async ([, how], context) => {
      let last: Socket | undefined;
      const { upstream, send } = await setUp(context, (socket) => {
        last = socket;
        socket.write(FINE);
      });
      expect((await send()).status).toBe(200);
      const again = new Promise<Outcome>((resolve) => {
        // What the homeserver did has arrived, and has not been looked at.
        how(last!);
        const until = performance.now() + 30;
        setImmediate(() => {
          while (performance.now() < until);
          resolve(send('POST', Buffer.from('{}')));
        });
      });
      expect(await again).toMatchObject({ status: 200, body: '{}', error: undefined });
      expect(upstream.accepted()).toBe(2);
    },
  );

  it('is read on after an answer that was paused when its end came', async (context) => {
    const { upstream, wire, send } = await setUp(context, (socket) => void socket.write(FINE));
    for (let count = 0; count < 3; count++) {
      const onHead = (): void => {
        wire.pause();
        setTimeout(() => wire.resume(), 20);
      };
      expect(await send('GET', null, { onHead })).toMatchObject({ status: 200, body: '{}' });
    }
    expect(upstream.accepted()).toBe(1);
  });

  it('that had bytes behind a paused answer is not used for the next request', async (context) => {
    let last: Socket | undefined;
    const { upstream, wire, send } = await setUp(context, (socket, count) => {
      last = socket;
      if (count > 1) return void socket.write(FINE);
      // As much as Node reads ahead of a pause: what comes behind it waits in the kernel.
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 131029\r\n\r\n';
      socket.write(`${head}${'x'.repeat(131_072 - head.length)}`);
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG'), 50);
    });
    const clock = await startRawUpstream((socket) => void setTimeout(() => socket.write('x'), 200));
    context.onTestFinished(() => clock.close());
    // Read on from the loop's own look at its sockets, so that the next request comes before it looks at this one.
    connect({ port: clock.port, host: '127.0.0.1' }).on('data', function (this: Socket) {
      wire.resume();
      this.destroy();
    });
    expect((await send('GET', null, { onHead: () => wire.pause() })).body).toHaveLength(131_029);
    expect(await send()).toMatchObject({ status: 200, body: '{}', error: undefined });
    expect([last!.destroyed, upstream.accepted()]).toEqual([false, 2]);
  });

  it('that the homeserver closes while its answer is paused gives the whole answer, and is of no use any more', async (context) => {
    const { wire, send } = await setUp(context, (socket) => void socket.end(FINE));
    const onHead = (): void => {
      wire.pause();
      setTimeout(() => wire.resume(), 60);
    };
    expect(await send('GET', null, { onHead })).toMatchObject({ status: 200, body: '{}', error: undefined });
    await until('it is seen', () => !wire.isReusable);
  });

  it('does not stand still because an answer is paused', async (context) => {
    const { wire, send } = await setUp(context, (socket) => void socket.write(FINE));
    const onHead = (): void => {
      wire.pause();
      setTimeout(() => wire.resume(), 400);
    };
    expect(await send('GET', null, { within: 150, onHead })).toMatchObject({ body: '{}', error: undefined });
  });
});

describe('a request', () => {
  it('has its small body in one write with its head, byte for byte', async (context) => {
    const { send, heads } = await setUp(context, (socket, _count, _head, body) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    for (const size of [1, 256, 4_096, 4_097, 65_536]) {
      const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 256));
      expect((await send('PUT', body)).body).toBe(body.toString('latin1'));
    }
    expect(heads[0]).toBe('PUT /x HTTP/1.1\r\nhost: a.test\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\n');
  });

  it.for<[string, string, string | undefined, readonly string[]]>([
    ['of unknown length', 'transfer-encoding: chunked', undefined, ['ab', 'cde']],
    ['of known length', 'content-length: 5', '5', ['ab', 'cde']],
    ['without a byte', 'content-length: 0', undefined, []],
  ])('has a body %s as it comes', async ([, framing, length, pieces], context) => {
    const { send, heads, upstream } = await setUp(context, (socket) => void socket.write(FINE));
    const headers = ['host', 'a.test', ...(length === undefined ? [] : ['Content-Length', length])];
    const body = Readable.from(
      pieces.map((piece) => Buffer.from(piece)),
      { objectMode: false },
    );
    expect(await send('POST', body, { headers })).toMatchObject({ status: 200, error: undefined });
    expect(heads[0]).toContain(`\r\n${framing}\r\n`);
    expect((await send()).status).toBe(200);
    expect(upstream.accepted()).toBe(1);
  });

  it.for<[string, Buffer | readonly string[]]>([
    ['longer', ['abcd', 'ef']],
    ['shorter', ['abc']],
    ['here, and another', Buffer.from('abc')],
  ])('whose body is %s than declared fails', async ([, body], context) => {
    const { send, upstream } = await setUp(context, (socket) => void socket.write(FINE));
    const stream = Buffer.isBuffer(body) ? body : Readable.from(body.map((piece) => Buffer.from(piece)));
    const headers = ['host', 'a.test', 'content-length', '5'];
    expect((await send('POST', stream, { headers })).error?.code).toBe('ERR_UPSTREAM_REQUEST');
    await until('the connection is closed', () => upstream.open() === 0);
  });

  it('fails with its body, and leaves no half of it to be taken for whole', async (context) => {
    const { send, upstream, heads } = await setUp(context, (socket) => void socket.write(FINE));
    const body = new Readable({ read() {} });
    body.push('abc');
    setTimeout(() => body.destroy(new Error('the client went away')), 30);
    expect((await send('POST', body)).error?.message).toBe('the client went away');
    await until('the connection is closed', () => upstream.open() === 0);
    expect(heads).toEqual([]);
  });

  it('whose answer comes before its body has ended is answered, and its body left', async (context) => {
    const early = await startRawUpstream((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}'));
    });
    const { onTestFinished } = context;
    const wire = new Wire({
      system: realSystem,
      turns: createTurns(),
      connect: (done) => {
        const socket = connect({ port: early.port, host: '127.0.0.1' });
        socket.once('connect', () => done(null, socket));
      },
      lost() {},
    });
    onTestFinished(() => early.close());
    const body = new Readable({ read() {} });
    body.push('abc');
    const status = await new Promise((resolve) => {
      let seen = 0;
      wire.dispatch(
        { method: 'POST', target: '/', headers: [], body, answerWithin: 5_000, moveWithin: 5_000 },
        {
          begun() {},
          interim() {},
          head: (head) => {
            seen = head.status;
          },
          data() {},
          end: () => resolve(seen),
          failed: resolve,
        },
      );
    });
    expect([status, wire.isReusable]).toEqual([413, false]);
    await until('all is left', () => body.destroyed && early.open() === 0);
  });

  it.for<[string, string, string]>([
    ['never', '', 'ERR_UPSTREAM_ANSWER_LATE'],
    ['in part', 'HTTP/1.1 200 OK\r\n', 'ERR_UPSTREAM_ANSWER_LATE'],
    ['and then stands still', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab', 'ERR_UPSTREAM_ANSWER_STALLED'],
  ])('that is answered %s fails in time', async ([, text, code], context) => {
    const { send, upstream } = await setUp(context, (socket) => void socket.write(text));
    const began = performance.now();
    expect((await send('GET', null, { within: 200 })).error?.code).toBe(code);
    expect(performance.now() - began).toBeGreaterThan(190);
    await until('the connection is closed', () => upstream.open() === 0);
  });

  it('is not answered by an interim answer, and 100 is none of anybody else', async (context) => {
    const { send } = await setUp(context, (socket) => {
      socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${FINE}`);
    });
    expect(await send()).toMatchObject({ interim: [103], status: 200, body: '{}' });
  });

  it.for<[string, (socket: Socket) => void, string]>([
    ['reset', (socket) => void socket.resetAndDestroy(), 'ECONNRESET'],
    ['closed', (socket) => void socket.end(), 'ERR_UPSTREAM_CLOSED'],
  ])(
    'whose connection is %s in a body without a length fails or is whole, as it should',
    async ([how, end, code], context) => {
      const { send } = await setUp(context, (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nso far', () => setTimeout(() => end(socket), 30));
      });
      const { body, error } = await send();
      expect([body, error?.code]).toEqual(['so far', how === 'reset' ? code : undefined]);
    },
  );

  it('that is given up ends at once, before it has a connection and after', async (context) => {
    const { wire, send, upstream } = await setUp(context, () => {});
    const first = send();
    wire.abort(new Error('left'));
    expect((await first).error?.message).toBe('left');
    await pause(30);
    expect([upstream.open(), wire.isReusable]).toEqual([0, false]);
    expect((await send()).error?.code).toBe('ERR_UPSTREAM_CLOSED');
  });

  it('whose handler throws fails, and takes nothing else along', async (context) => {
    const { send } = await setUp(context, (socket) => void socket.write(FINE));
    const onHead = (): void => {
      throw new TypeError('a defect');
    };
    expect((await send('GET', null, { onHead })).error).toBeInstanceOf(TypeError);
  });
});
