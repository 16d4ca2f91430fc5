import { Agent, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer } from 'http-proxy';
import type { SidecarError } from '../base/errors.ts';
import { explainFailure } from './failure.ts';
import type { UpstreamWay } from './upstream-way.ts';

export interface UpgradePlan {
  readonly connections: UpstreamWay;
  /** What the instance is chosen by; undefined: the least busy. */
  readonly key: string | undefined;
  /** What is asked for, raw. */
  readonly target: string;
  /** From buildRequestHeaders: without hop-by-hop fields. */
  readonly headers: readonly string[];
  /** Milliseconds until the homeserver answers the upgrade. */
  readonly deadline: number;
  /** What the homeserver said to it; 101 where it is open now. */
  onAnswer(status: number): void;
  /** The client left before there was an answer. */
  onLeft(): void;
  /** What was open is closed, on both sides. */
  onEnd(carried: Carried): void;
  /** Nothing was sent to the client yet: say what happened on its socket. The connection is ended afterwards. */
  onFailure(error: SidecarError, socket: Duplex): void;
}

/** Bytes that a WebSocket has carried. */
export interface Carried {
  readonly fromClient: number;
  readonly toClient: number;
}

/** Carries WebSocket connections. */
export interface Upgrader {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, plan: UpgradePlan): void;
  /** Open now. */
  readonly open: number;
  /** Cuts all of them. Idempotent. */
  close(): void;
}

/** The http-proxy package does the upgrade itself; header fields and request target are the sidecar's. */
export function createUpgrader(): Upgrader {
  const plans = new WeakMap<IncomingMessage, UpgradePlan>();
  const sockets = new Set<Duplex>();
  const proxy = createProxyServer({ xfwd: false });

  proxy.on('proxyReqWs', (proxyRequest, request, socket) => {
    const plan = plans.get(request);
    if (plan === undefined) return void proxyRequest.destroy();
    for (const name of proxyRequest.getHeaderNames()) proxyRequest.removeHeader(name);
    for (const [name, values] of groupByName(plan.headers)) proxyRequest.setHeader(name, values);
    proxyRequest.setHeader('Connection', 'Upgrade');
    proxyRequest.setHeader('Upgrade', 'websocket');
    proxyRequest.path = plan.target;
    proxyRequest.once('upgrade', (_response, upstreamSocket: Socket, begun: Buffer) => {
      plans.delete(request);
      plan.onAnswer(101);
      // By then the request's head was written, and the answer's read, perhaps with the first bytes behind it.
      const [written, read] = [upstreamSocket.bytesWritten, upstreamSocket.bytesRead - begun.length];
      upstreamSocket.once('close', () => {
        plan.onEnd({ fromClient: upstreamSocket.bytesWritten - written, toClient: upstreamSocket.bytesRead - read });
      });
      // Not only its sending side: nobody is there any more to receive what the homeserver still sends.
      socket.once('close', () => upstreamSocket.destroy());
    });
    proxyRequest.once('response', ({ statusCode = 0 }) => {
      plans.delete(request);
      plan.onAnswer(statusCode);
    });
  });
  proxy.on('error', (error, request, socket) => {
    const plan = request === undefined ? undefined : plans.get(request);
    if (plan === undefined || request === undefined) return;
    const duplex = socket as Duplex;
    // Whoever has left is told nothing.
    if (!duplex.writable) return;
    plans.delete(request);
    plan.onFailure(explainFailure(error, plan.connections.upstream.text, 0), duplex);
  });

  return {
    get open() {
      return sockets.size;
    },
    upgrade(request, socket, head, plan) {
      plans.set(request, plan);
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (plans.delete(request)) plan.onLeft();
      });
      // Where it goes is the agent's business: the package wants to be told something.
      const target = { host: 'homeserver', port: 80, protocol: 'http:' };
      const agent = createDialingAgent(plan);
      // With a timeout, the package also ends its request when the client leaves before there is an answer.
      void proxy.ws(request, socket as Socket, { target, agent, upgradeTimeout: plan.deadline }, head);
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Its connections are made as those of requests are: to the instance that a request would go to, the name resolved anew. */
function createDialingAgent({ connections, key }: UpgradePlan): Agent {
  const agent = new Agent({ keepAlive: false });
  agent.createConnection = (_options, done) => {
    connections.dial(key, (error, socket) => done?.(error, socket as Socket));
    return undefined;
  };
  return agent;
}

/** Flat pairs to values by name; of names that differ in case alone, the first spelling stands. */
function groupByName(headers: readonly string[]): Map<string, string | string[]> {
  const spelling = new Map<string, string>();
  const grouped = new Map<string, string | string[]>();
  for (let index = 0; index < headers.length; index += 2) {
    const lower = headers[index]!.toLowerCase();
    const name = spelling.get(lower) ?? headers[index]!;
    const before = grouped.get(name);
    const value = headers[index + 1]!;
    spelling.set(lower, name);
    grouped.set(name, before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]);
  }
  return grouped;
}
