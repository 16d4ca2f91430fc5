import { once } from 'node:events';
import { performServerHandshake } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Cidr, createCidrSet } from '../../src/base/cidr.ts';
import { realSystem } from '../../src/base/system.ts';
import type { ChallengeContexts } from '../../src/listen/challenge-server.ts';
import { createHandshakeTurns } from '../../src/listen/handshake-turns.ts';
import { createPenalties } from '../../src/listen/penalties.ts';
import { createTlsListener } from '../../src/listen/tls-listener.ts';
import { createCertificateSet } from '../../src/tls/certificate-set.ts';
import { createTicketKeys } from '../../src/tls/ticket-keys.ts';
import { makeCertificate, makeEcCertificate, read } from '../tls/make-certificate.ts';
import { createRecordingLog } from '../tls/recording-log.ts';

export interface ListenerUnderTest {
  readonly port: number;
  readonly refused: string[];
  /** How often a ClientHello was asked about: whether one was looked at at all. */
  asked(): number;
  close(): Promise<void>;
}

export interface ListenerWish {
  readonly key?: 'rsa' | 'ec';
  /** The challenges under way; none and no responder at all when it is left out. */
  readonly challenges?: ReadonlyMap<string, SecureContext>;
  /** The same, from who knows them. */
  readonly challenge?: ChallengeContexts;
  readonly handshakeTimeout?: number;
  /** Whether every connection begins with a PROXY header. */
  readonly proxied?: boolean;
}

const LOOPBACK: Cidr = { address: '127.0.0.0', prefix: 8, family: 'ipv4', text: '127.0.0.0/8' };

const ca = makeCertificate({ commonName: 'test root', ca: true });
const site = {
  rsa: read(makeCertificate({ names: ['site.test'], issuer: ca })),
  ec: read(makeEcCertificate(['site.test'], ca)),
};

/** A listener for TLS with the certificate of `site.test`, which says `served by h1` or `served by h2`. */
export async function startListener(wish: ListenerWish = {}): Promise<ListenerUnderTest> {
  const ticketKeys = createTicketKeys({ rotateEvery: 3_600_000 }, { system: realSystem, log: createRecordingLog() });
  const refused: string[] = [];
  let asked = 0;
  const challenges = wish.challenges;
  const listener = createTlsListener(
    {
      listener: 'https',
      handshakeTimeout: () => wish.handshakeTimeout ?? 10_000,
      proxyProtocolFrom: () => createCidrSet(wish.proxied === true ? [LOOPBACK] : []),
    },
    {
      system: realSystem,
      certificates: createCertificateSet([site[wish.key ?? 'rsa']]),
      ticketKeys,
      turns: createHandshakeTurns(
        { longestWait: () => 1_000 },
        { system: realSystem, penalties: createPenalties({ system: realSystem }) },
      ),
      challenge:
        challenges === undefined
          ? wish.challenge
          : {
              pending: () => challenges.size > 0,
              contextFor(name) {
                asked++;
                return challenges.get(name);
              },
            },
      onHttp1(socket) {
        socket.on('error', () => undefined);
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nserved by h1'));
      },
      onHttp2(socket) {
        const session = performServerHandshake(socket);
        session.on('error', () => undefined);
        session.on('stream', (stream) => {
          stream.respond({ ':status': 200 });
          stream.end('served by h2');
        });
      },
      onRefused: (_, why) => refused.push(why),
    },
  );
  const server = listener.createServer();
  const sockets = trackSockets(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    refused,
    asked: () => asked,
    async close() {
      listener.close();
      await ticketKeys.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A way to a port on which what the client says arrives in pieces of so many bytes. */
export async function startDripper(to: number, size: number): Promise<{ port: number; close(): void }> {
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: to, noDelay: true });
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    let dripping = false;
    const drip = (): void => {
      dripping = rest.length > 0;
      if (!dripping) return;
      upstream.write(rest.subarray(0, size));
      rest = rest.subarray(size);
      setImmediate(drip);
    };
    client.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (!dripping) drip();
    });
    upstream.pipe(client);
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  const sockets = trackSockets(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}
