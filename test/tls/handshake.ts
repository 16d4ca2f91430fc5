import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificateSet } from '../../src/tls/certificate-set.ts';
import { tlsOptions } from '../../src/tls/tls-options.ts';

/** A TLS server that echoes, and chooses its certificate as the listeners do. */
export interface TestServer {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

export async function startServer(set: () => CertificateSet, more: { ticketKeys?: Buffer } = {}): Promise<TestServer> {
  const { certificate } = set().choose(undefined);
  const server = createServer({
    ...tlsOptions,
    ...more,
    cert: certificate.chainPem,
    key: certificate.keyPem,
    SNICallback: (name, done) => done(null, set().choose(name).context),
    sessionIdContext: 'test',
  });
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.on('tlsClientError', (_, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client's side of a finished handshake; rejects when the client refuses. */
export async function shake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** The SHA-256 fingerprint of the certificate that a client is given, whoever signed it. */
export async function servedTo(port: number, servername?: string): Promise<string> {
  const socket = await shake(port, { rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) });
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
