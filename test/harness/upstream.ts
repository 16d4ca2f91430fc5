import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A homeserver's place, taken by a program of the test on a real socket. */
export interface TestUpstream {
  readonly port: number;
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Connections open now. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** Sees and sends raw bytes: for what must arrive unaltered, and for homeservers that misbehave. */
export async function startRawUpstream(
  onConnection: (socket: Socket) => void,
  listen: { host?: string; port?: number; path?: string } = {},
): Promise<TestUpstream> {
  return start(createServer(onConnection), listen);
}

/** Speaks HTTP. */
export async function startHttpUpstream(
  onRequest: RequestListener,
  listen: { host?: string; port?: number; path?: string } = {},
): Promise<TestUpstream> {
  const server = createHttpServer({ keepAliveTimeout: 60_000, maxHeaderSize: 128 * 1024 }, onRequest);
  return start(server, listen);
}

async function start(server: Server, listen: { host?: string; port?: number; path?: string }): Promise<TestUpstream> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      listen.path === undefined ? { host: listen.host ?? '127.0.0.1', port: listen.port ?? 0 } : { path: listen.path },
      resolve,
    );
  });
  const port = listen.path === undefined ? (server.address() as AddressInfo).port : 0;
  return {
    port,
    url: listen.path === undefined ? `http://${listen.host ?? '127.0.0.1'}:${port}` : `unix:${listen.path}`,
    accepted: () => accepted,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Reads HTTP/1.1 requests off a raw connection: calls `onRequest` with the head's text and the body's bytes. */
export function readRequests(socket: Socket, onRequest: (head: string, body: Buffer) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk]);
    for (;;) {
      const end = seen.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = seen.toString('latin1', 0, end + 4);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      const chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
      const bodyEnd = chunked ? seen.indexOf('0\r\n\r\n', end + 4) : end + 4 + Number(length?.[1] ?? 0);
      if (bodyEnd === -1 || seen.length < bodyEnd) return;
      const after = chunked ? bodyEnd + 5 : bodyEnd;
      onRequest(head, seen.subarray(end + 4, after));
      seen = seen.subarray(after);
    }
  });
}
