import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** A server that does to each connection what a test says, and keeps every byte that it was sent. */
export interface TestPeer {
  readonly port: number;
  /** The names in SNI, one for each handshake; undefined where there was none. */
  readonly names: (string | undefined)[];
  /** What came, a char a byte, in all connections. */
  received(): string;
  close(): Promise<void>;
}

/** Over TLS; the handshake is the real one with these options. */
export async function startTlsPeer(options: TlsOptions, serve: (socket: TLSSocket) => void): Promise<TestPeer> {
  const names: (string | undefined)[] = [];
  const server = createTlsServer(options, (socket) => {
    names.push(typeof socket.servername === 'string' ? socket.servername : undefined);
    serve(socket);
  });
  server.on('tlsClientError', () => {});
  return listen(server, 'secureConnection', names);
}

/** Without TLS of its own: `serve` has the bare connection. */
export async function startTcpPeer(serve: (socket: Socket) => void): Promise<TestPeer> {
  return listen(createTcpServer(serve), 'connection', []);
}

async function listen(server: Server, event: string, names: (string | undefined)[]): Promise<TestPeer> {
  const open = new Set<Socket>();
  const chunks: Buffer[] = [];
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  server.on(event, (socket: Socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    names,
    received: () => Buffer.concat(chunks).toString('latin1'),
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
