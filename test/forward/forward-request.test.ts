import { request } from 'node:http';
import { connect, Socket } from 'node:net';
import { describe, expect, it, type TestContext } from 'vitest';
import { type DialTarget, realSystem, type System } from '../../src/base/system.ts';
import { pause, until } from '../harness/until.ts';
import { readRequests, startHttpUpstream, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';
import { type Forwarder, startForwarder } from './forwarder.ts';

interface SetUp {
  readonly upstream: TestUpstream;
  readonly forwarder: Forwarder;
  /** Sends the pieces `every` milliseconds apart; with a `length` that they do not reach, the body never ends. */
  readonly send: (pieces: readonly Buffer[], every?: number, length?: number) => Promise<Outcome>;
}

async function setUp(
  { onTestFinished }: TestContext,
  starting: Promise<TestUpstream>,
  plan: Parameters<typeof startForwarder>[1] = {},
  system?: System,
): Promise<SetUp> {
  const upstream = await starting;
  const forwarder = await startForwarder(upstream.port, plan, system);
  onTestFinished(async () => {
    await forwarder.close();
    await upstream.close();
  });
  return { upstream, forwarder, send: (pieces, every = 0, length) => send(forwarder, pieces, every, length) };
}

interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly complete: boolean;
}

async function send(
  forwarder: Forwarder,
  pieces: readonly Buffer[],
  every: number,
  length: number | undefined,
): Promise<Outcome> {
  const headers =
    pieces.length === 0 ? {} : length === undefined ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': length };
  const method = pieces.length === 0 ? 'GET' : 'POST';
  const sent = request({ port: forwarder.port, host: '127.0.0.1', agent: false, method, path: '/x', headers });
  sent.on('error', () => {});
  const outcome = new Promise<Outcome>((resolve, reject) => {
    let answered = false;
    sent.once('close', () => {
      if (!answered) reject(new Error('no answer'));
    });
    sent.once('response', (response) => {
      answered = true;
      let body = '';
      response.on('error', () => {});
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.once('close', () => resolve({ status: response.statusCode ?? 0, body, complete: response.complete }));
    });
  });
  outcome.catch(() => {});
  for (const piece of pieces) {
    sent.write(piece);
    await pause(every);
  }
  if (length === undefined || pieces.reduce((sum, piece) => sum + piece.length, 0) === length) sent.end();
  return outcome;
}

const PIECE = Buffer.alloc(20_000, 'x');

describe.concurrent('the deadline of the answer', () => {
  it('is 504 when the homeserver never answers', async (context) => {
    const starting = startHttpUpstream(() => {});
    const { upstream, forwarder, send } = await setUp(context, starting, { deadline: 500 });
    expect(await send([])).toMatchObject({ status: 504, body: 'upstream-deadline' });
    await until('the homeserver to be left alone', () => upstream.open() === 0);
    expect(forwarder.busy()).toBe(0);
  });

  it('is 504 after a body too, small or streamed', async (context) => {
    const starting = startHttpUpstream((incoming) => void incoming.resume());
    const { send } = await setUp(context, starting, { deadline: 500 });
    expect(await send([Buffer.from('{}')], 0, 2)).toMatchObject({ status: 504, body: 'upstream-deadline' });
    expect(await send([PIECE, PIECE])).toMatchObject({ status: 504, body: 'upstream-deadline' });
  });

  it('counts from the end of the request: an upload that moves may take much longer', async (context) => {
    const starting = startHttpUpstream((incoming, response) => {
      incoming.resume();
      incoming.once('end', () => setTimeout(() => response.end('thanks'), 50));
    });
    const { send } = await setUp(context, starting, { deadline: 500 });
    const pieces = Array.from({ length: 10 }, () => PIECE);
    expect(await send(pieces, 250)).toMatchObject({ status: 200, body: 'thanks' });
  });

  it('still holds after an upload that took longer than the deadline', async (context) => {
    const starting = startHttpUpstream((incoming) => void incoming.resume());
    const { send } = await setUp(context, starting, { deadline: 500 });
    const pieces = Array.from({ length: 10 }, () => PIECE);
    expect(await send(pieces, 250)).toMatchObject({ status: 504, body: 'upstream-deadline' });
  });

  it('ends a homeserver that takes nothing of the body: 504', async (context) => {
    const starting = startRawUpstream((socket) => void socket.pause());
    const { send } = await setUp(context, starting, { deadline: 500 });
    expect(await send(Array.from({ length: 60 }, () => Buffer.alloc(1_000_000)))).toMatchObject({ status: 504 });
  });

  it('does not end an upload to a homeserver that is slow but takes it', async (context) => {
    const starting = startRawUpstream((socket) => {
      let bytes = 0;
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        // The last of it may wait in the kernel alone, when the upload has ended for us.
        if (bytes < 8_000_000) {
          socket.pause();
          setTimeout(() => socket.resume(), 20);
        }
        if (bytes >= 12_000_000) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nthanks');
      });
    });
    const { send } = await setUp(context, starting, { deadline: 1_500 });
    const began = performance.now();
    expect(await send([Buffer.alloc(12_000_000)], 0, 12_000_000)).toMatchObject({ status: 200, body: 'thanks' });
    expect(performance.now() - began).toBeGreaterThan(2_000);
  });

  it('is cancelled by the beginning of the answer, which may then take its time', async (context) => {
    const starting = startHttpUpstream((_incoming, response) => {
      let count = 0;
      const timer = setInterval(() => {
        response.write('.');
        if (++count === 25) {
          clearInterval(timer);
          response.end();
        }
      }, 100);
    });
    const { send } = await setUp(context, starting, { deadline: 1_000, stalled: 1_000 });
    expect(await send([])).toMatchObject({ status: 200, body: '.'.repeat(25), complete: true });
  });

  it('is cut off when an answer that has begun stands still', async (context) => {
    const starting = startHttpUpstream((_incoming, response) => void response.write('beginning'));
    const { forwarder, send } = await setUp(context, starting, { deadline: 500, stalled: 500 });
    expect(await send([])).toMatchObject({ status: 200, complete: false });
    expect(forwarder.cuts.map((cut) => cut.code)).toEqual(['upstream-deadline']);
  });
});

describe.concurrent('a body that stops arriving', () => {
  it.for([
    ['small', 10],
    ['streamed', 100_000],
  ] as const)('is 408, %s, and the homeserver is left alone', async ([, length], context) => {
    const starting = startHttpUpstream((incoming) => void incoming.resume().on('error', () => {}));
    const { upstream, send } = await setUp(context, starting, { stalled: 300 });
    expect(await send([Buffer.from('12345')], 0, length)).toMatchObject({ status: 408, body: 'body-stalled' });
    await until('the homeserver to be left alone', () => upstream.open() === 0 || upstream.accepted() === 0);
  });

  it('is 408 too when it trickles', async (context) => {
    const starting = startHttpUpstream((incoming) => void incoming.resume().on('error', () => {}));
    const { send } = await setUp(context, starting, { stalled: 500 });
    const trickle = Array.from({ length: 30 }, () => Buffer.from('x'));
    expect(await send(trickle, 50, 100_000)).toMatchObject({ status: 408 });
  });

  it('is not blamed on the client while it is the homeserver that takes nothing', async (context) => {
    const starting = startRawUpstream((socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 1_500);
      let bytes = 0;
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= 30_000_000) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nthanks');
      });
      socket.pause();
    });
    const { send } = await setUp(context, starting, { stalled: 500 });
    expect(await send([Buffer.alloc(30_000_000)], 0, 30_000_000)).toMatchObject({ status: 200, body: 'thanks' });
  });

  it('is not blamed on the client while there is no connection to the homeserver yet', async (context) => {
    const starting = startHttpUpstream((incoming, response) => {
      incoming.resume();
      incoming.once('end', () => response.end('thanks'));
    });
    // A connection that takes longer to come up than a body may stand still.
    const dial = (target: DialTarget): Socket => {
      const socket = realSystem.dial(target);
      const emit = socket.emit.bind(socket);
      socket.emit = (event: string, ...rest: unknown[]): boolean => {
        if (event !== 'connect') return emit(event, ...rest);
        setTimeout(() => emit(event, ...rest), 900);
        return true;
      };
      return socket;
    };
    const { send } = await setUp(context, starting, { stalled: 300 }, { ...realSystem, dial });
    expect(await send([PIECE, PIECE])).toMatchObject({ status: 200, body: 'thanks' });
  });
});

describe.concurrent('a client that takes nothing of its answer', () => {
  it('is cut off, and the homeserver left alone', async (context) => {
    const starting = startHttpUpstream((_incoming, response) => void response.end(Buffer.alloc(50_000_000)));
    const { upstream, forwarder } = await setUp(context, starting, { stalled: 500 });
    const client = connect(forwarder.port, '127.0.0.1');
    client.on('error', () => {});
    client.pause();
    client.write('GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await until('the request at the homeserver', () => upstream.open() === 1);
    await until('the homeserver to be left alone', () => upstream.open() === 0);
    expect(forwarder.busy()).toBe(0);
    client.destroy();
  });
});

describe.concurrent('a homeserver that is not there', () => {
  it('fails a streamed upload once, and nothing happens later', async (context) => {
    const { upstream, forwarder, send } = await setUp(
      context,
      startRawUpstream(() => {}),
      { stalled: 300 },
    );
    await upstream.close();
    expect(await send([PIECE])).toMatchObject({ status: 502, body: 'upstream-unreachable' });
    await pause(700);
    expect(forwarder.failures).toHaveLength(1);
    expect(forwarder.busy()).toBe(0);
  });

  it('that does not let itself be connected to within ten seconds is 504', async (context) => {
    // A socket that never gets anywhere, and timers that run a hundred times as fast.
    const system = {
      ...realSystem,
      dial: (): Socket => new Socket(),
      setTimer: (ms: number, fn: () => void) => realSystem.setTimer(ms / 100, fn),
    };
    const { forwarder, send } = await setUp(
      context,
      startRawUpstream(() => {}),
      {},
      system,
    );
    expect(await send([])).toMatchObject({ status: 504, body: 'upstream-connect-timeout' });
    expect(forwarder.busy()).toBe(0);
  });
});

describe.concurrent('connections to the homeserver', () => {
  it('that are idle survive the faults of clients', async (context) => {
    const starting = startHttpUpstream((incoming, response) => {
      incoming.resume().on('error', () => {});
      incoming.once('end', () => response.end('fine'));
    });
    const { upstream, send } = await setUp(context, starting, { bodyLimit: 30_000 });
    // Two at once, so that there are two idle ones.
    await Promise.all([send([]), send([])]);
    const before = upstream.accepted();
    expect(await send([PIECE, PIECE])).toMatchObject({ status: 413, body: 'body-too-large' });
    // The one that the refused body was to go out on.
    expect(upstream.accepted()).toBe(before + 1);
    expect(await send([])).toMatchObject({ status: 200 });
    expect(upstream.accepted()).toBe(before + 1);
  });

  it('that may lead to where nobody is any more are not tried one after the other', async (context) => {
    // As after a container was killed with its network: nothing answers there, and nothing says so.
    let silent = false;
    const starting = startRawUpstream((socket) => {
      const dead = (): boolean => silent && socket !== fresh;
      const fresh = silent ? socket : undefined;
      readRequests(socket, () => {
        if (!dead()) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
      });
    });
    const { send } = await setUp(context, starting, { deadline: 500 });
    await Promise.all(Array.from({ length: 5 }, () => send([])));
    silent = true;
    expect((await send([])).status).toBe(504);
    expect(await send([])).toMatchObject({ status: 200, body: 'fine' });
  });

  it('are given back however a request ends', async (context) => {
    const starting = startHttpUpstream((incoming, response) => {
      incoming.resume().on('error', () => {});
      if (incoming.url === '/x') response.end('fine');
    });
    const { forwarder, send } = await setUp(context, starting);
    for (let index = 0; index < 5; index++) expect((await send([])).status).toBe(200);
    expect(forwarder.busy()).toBe(0);
  });
});
