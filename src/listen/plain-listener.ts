import { createServer, type Server, type Socket } from 'node:net';
import { type CidrSet, plainAddress } from '../base/cidr.ts';
import type { ConnectionFacts } from '../base/connection.ts';
import type { System } from '../base/system.ts';
import type { ConnectionLimits } from './connection-limits.ts';
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
  /** Where connections are counted. */
  readonly limits?: Pick<ConnectionLimits, 'enter'> | undefined;
  onHttp1(socket: Socket, facts: ConnectionFacts): void;
  onRefused(peerAddress: string | undefined, why: string): void;
}

/** A server for clear-text HTTP/1.1 (port 80, admin), with a PROXY header from configured peers. */
export function createPlainServer(slice: PlainListenerSlice, deps: PlainListenerDeps): Server {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    const seat = deps.limits?.enter(socket);
    if (socket.destroyed) return;
    const address = socket.remoteAddress;
    if (address === undefined) return void socket.destroy();
    const begin = (peerAddress: string, peerPort: number): void => {
      const facts: ConnectionFacts = {
        listener: slice.listener,
        peerAddress: plainAddress(peerAddress),
        peerPort,
        serverName: undefined,
        tlsVersion: undefined,
      };
      seat?.settle(facts);
      deps.onHttp1(socket, facts);
    };
    if (!slice.proxyProtocolFrom().contains(address)) {
      if (seat?.identify(address) !== false) begin(address, socket.remotePort ?? 0);
      return;
    }
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
      const client = outcome.source?.address ?? address;
      if (seat?.identify(client) === false) return;
      setImmediate(() => begin(client, outcome.source?.port ?? socket.remotePort ?? 0));
    });
  });
}
