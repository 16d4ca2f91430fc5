import { createServer, type Server, type Socket } from 'node:net';
import { type CidrSet, plainAddress } from '../base/cidr.ts';
import type { ConnectionFacts } from '../base/connection.ts';
import type { System } from '../base/system.ts';
import { readProxyHeader } from './read-proxy-header.ts';

export interface PlainListenerSlice {
  readonly listener: 'http' | 'admin';
  /** Asked for every connection, so that a reload changes it. */
  proxyProtocolFrom(): CidrSet;
  /** Milliseconds for the PROXY header. */
  handshakeTimeout(): number;
}

export interface PlainListenerDeps {
  readonly system: System;
  onHttp1(socket: Socket, facts: ConnectionFacts): void;
  onRefused(peerAddress: string | undefined, why: string): void;
}

/** A server for clear-text HTTP/1.1 (port 80, admin), with a PROXY header from configured peers. */
export function createPlainServer(slice: PlainListenerSlice, deps: PlainListenerDeps): Server {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    const address = socket.remoteAddress;
    if (address === undefined) return void socket.destroy();
    const facts = (peerAddress: string, peerPort: number): ConnectionFacts => ({
      listener: slice.listener,
      peerAddress: plainAddress(peerAddress),
      peerPort,
      serverName: undefined,
      tlsVersion: undefined,
    });
    if (!slice.proxyProtocolFrom().contains(address))
      return deps.onHttp1(socket, facts(address, socket.remotePort ?? 0));
    const deadline = slice.handshakeTimeout();
    const timer = deps.system.setTimer(deadline, () => {
      deps.onRefused(address, `no PROXY header within ${deadline} ms`);
      socket.destroy();
    });
    readProxyHeader(socket, (outcome) => {
      timer.cancel();
      if (!outcome.ok) {
        deps.onRefused(address, outcome.why);
        socket.destroy();
        return;
      }
      setImmediate(() =>
        deps.onHttp1(socket, facts(outcome.source?.address ?? address, outcome.source?.port ?? socket.remotePort ?? 0)),
      );
    });
  });
}
