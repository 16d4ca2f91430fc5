import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

/** What one kind of attack has to work with. */
export interface Assault {
  readonly port: number;
  /** The name that the sidecar serves. */
  readonly host: string;
  /** Whether it is over. */
  over(): boolean;
  readonly ended: Promise<void>;
  /** Resolves after so many milliseconds, or when it is over. */
  pause(ms: number): Promise<void>;
  /** Counts what was done, for the report. */
  count(what: string, times?: number): void;
}

/** Runs `work` in `lanes` lanes, over and over until it is over; each must take a while. */
export async function keepAt(assault: Assault, lanes: number, work: (lane: number) => Promise<void>): Promise<void> {
  const lane = async (number: number): Promise<void> => {
    while (!assault.over()) {
      await work(number);
      await assault.pause(1);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
}

/** One of the addresses of this machine that no one else uses, and the same for the same number. */
export function sourceAddress(number: number): string {
  return `127.${100 + (Math.floor(number / 62_500) % 90)}.${1 + (Math.floor(number / 250) % 250)}.${1 + (number % 250)}`;
}

export interface Line<S extends Socket> {
  readonly socket: S;
  readonly closed: () => boolean;
  /** Resolves when the connection is over. */
  readonly ended: Promise<void>;
}

/** A TCP connection; undefined where it did not come about. */
export async function openTcp(assault: Assault, from: string): Promise<Line<Socket> | undefined> {
  return await watch(connectTcp({ host: '127.0.0.1', port: assault.port, localAddress: from }), 'connect', assault);
}

/** A TLS connection; undefined where it did not come about. */
export async function openTls(
  assault: Assault,
  from: string,
  options: ConnectionOptions = {},
): Promise<Line<TLSSocket> | undefined> {
  const socket = connectTls({
    ...{ host: '127.0.0.1', port: assault.port, localAddress: from },
    ...{ servername: assault.host, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
    ...options,
  } as ConnectionOptions);
  return await watch(socket, 'secureConnect', assault);
}

async function watch<S extends Socket>(socket: S, ready: string, assault: Assault): Promise<Line<S> | undefined> {
  let closed = false;
  socket.on('error', (error: NodeJS.ErrnoException) =>
    assault.count(`error ${error.code ?? error.message}`.slice(0, 40)),
  );
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      closed = true;
      resolve();
    });
  });
  await Promise.race([new Promise<void>((resolve) => socket.once(ready, () => resolve())), ended, assault.ended]);
  if (closed || socket.connecting) {
    socket.destroy();
    assault.count('refused');
    return undefined;
  }
  assault.count('connections');
  return { socket, closed: () => closed, ended };
}

/** Writes `bytes` again and again, as fast as they are taken, until the connection or the attack is over. */
export async function flood(assault: Assault, line: Line<Socket>, next: () => Buffer | string): Promise<void> {
  while (!line.closed() && !assault.over()) {
    const room = line.socket.write(next());
    if (room) await new Promise((resolve) => setImmediate(resolve));
    else {
      await Promise.race([
        new Promise<void>((resolve) => line.socket.once('drain', () => resolve())),
        line.ended,
        assault.ended,
      ]);
    }
  }
}
