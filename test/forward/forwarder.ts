import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createUpstreamPool } from '../../src/base/address.ts';
import type { SidecarError } from '../../src/base/errors.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { answerFor } from '../../src/forward/failure.ts';
import type { ForwardPlan } from '../../src/forward/forward-plan.ts';
import { forwardRequest } from '../../src/forward/forward-request.ts';
import { Http1Exchange } from '../../src/forward/http1-exchange.ts';
import { createNames } from '../../src/forward/names.ts';
import { createUnreadAnswers } from '../../src/forward/unread-answers.ts';
import { createUpstreamConnections } from '../../src/forward/upstream-connections.ts';

/** Forwarding alone, on real sockets without TLS, with a plan of the test's own. */
export interface Forwarder {
  readonly port: number;
  /** What went wrong so far: before an answer began, or in its middle. */
  readonly failures: SidecarError[];
  readonly cuts: SidecarError[];
  /** Connections to the homeserver in use. */
  busy(): number;
  close(): Promise<void>;
}

export async function startForwarder(
  upstreamPort: number,
  plan: Partial<Omit<ForwardPlan, 'connections' | 'headers'>> = {},
  system: System = realSystem,
): Promise<Forwarder> {
  const upstream = {
    kind: 'tcp' as const,
    host: '127.0.0.1',
    port: upstreamPort,
    text: `http://127.0.0.1:${upstreamPort}`,
  };
  const connections = createUpstreamConnections(createUpstreamPool([upstream]), {
    system,
    names: createNames({ system }),
  });
  const unread = createUnreadAnswers();
  const failures: SidecarError[] = [];
  const cuts: SidecarError[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const facts = {
      listener: 'https' as const,
      peerAddress: '127.0.0.1',
      peerPort: 1,
      serverName: undefined,
      tlsVersion: undefined,
    };
    const context = { facts, system, expectsContinue: false, isDraining: () => false };
    const exchange = new Http1Exchange(request, response, context);
    const headers = request.rawHeaders.filter(
      (_, index, all) => !/^(connection|transfer-enc)/i.test(all[index - (index % 2)]!),
    );
    forwardRequest(
      exchange,
      {
        connections,
        client: '127.0.0.1',
        headers,
        bodyLimit: 1e9,
        deadline: 60_000,
        stalled: 60_000,
        retry: 'idempotent',
        hold: undefined,
        moved: () => undefined,
        forServer: false,
        arrived: system.monotonic(),
        patience: 0,
        ...plan,
      },
      {
        system,
        unread,
        onFailure(error) {
          failures.push(error);
          const { status } = answerFor(error);
          if (!exchange.closed) exchange.respondAndClose(status, '', [], Buffer.from(error.code));
        },
        onNowhere() {},
        onSecondChance() {},
        onWaited() {},
        onCut: (error) => void cuts.push(error),
      },
    );
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    failures,
    cuts,
    busy: () => connections.busy,
    async close() {
      connections.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
