import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionFacts } from '../base/connection.ts';
import type { SidecarError } from '../base/errors.ts';
import type { Exchange } from '../forward/exchange.ts';
import { answerFor } from '../forward/failure.ts';
import { buildRequestHeaders } from '../forward/request-headers.ts';
import type { Upgrader } from '../forward/upgrade.ts';
import type { UpstreamWay } from '../forward/upstream-way.ts';
import { rawAnswer } from '../listen/plain-http-answer.ts';
import { listClaimedOrigins } from '../matrix/claimed-origins.ts';
import { DEFAULT_DEADLINE } from '../matrix/endpoint-table.ts';
import type { Decision } from '../route/decision.ts';
import { type Applicant, admitRequest, readOrigin } from './admit-request.ts';
import type { RequestDeps } from './attempt.ts';
import { choosePlace } from './choose-place.ts';
import { defectOf } from './handle-request.ts';
import { beginRequestLine, logFailure, type RequestEnd } from './log-request.ts';
import { describeRequest, type RequestFacts } from './request-facts.ts';
import type { Runtime } from './runtime.ts';
import { findSurface, type SurfaceTally } from './tally-requests.ts';

export interface UpgradeDeps extends RequestDeps {
  readonly upgrader: Upgrader;
}

/** A request for a WebSocket, with the bytes that came behind its headers. */
interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly connection: ConnectionFacts;
}

/** The life of a WebSocket: the same facts and the same routes as any request, then bytes both ways. */
export function handleUpgrade(upgrade: UpgradeRequest, runtime: Runtime, deps: UpgradeDeps): void {
  const { request, socket, connection } = upgrade;
  // Node takes its own listener off a socket that it hands over.
  socket.on('error', () => {});
  if (connection.listener === 'admin')
    return void socket.end(rawAnswer(404, 'M_UNRECOGNIZED', 'No WebSockets here.', deps.system.now()));
  const source = { facts: connection, headers: request.rawHeaders, authority: request.headers.host };
  const facts = describeRequest(source, runtime.config, deps);
  const logged = {
    listener: connection.listener,
    method: request.method ?? 'GET',
    authority: request.headers.host,
    target: request.url ?? '/',
    httpVersion: '1.1',
  };
  const writeLine = beginRequestLine(logged, facts, runtime.config.log.requests, deps);
  const began = deps.tally.now();
  const ending: Ending = {
    tally: deps.tally.of('refused'),
    count: (status, error) => ending.tally.count(status, began, error),
  };
  const end: Outcomes['end'] = (ended) => writeLine({ ...ended, error: undefined, surface: ending.tally.surface });
  const refuse: Refuse = (status, errcode, message, error) => {
    socket.end(rawAnswer(status, errcode, message, deps.system.now()));
    ending.count(status, error);
    writeLine({ status, error, surface: ending.tally.surface });
  };
  const fail = (error: SidecarError): void => {
    logFailure(error, facts, runtime.config.log.requests, deps.log);
    const { status, errcode, message } = answerFor(error);
    refuse(status, errcode, message, error);
  };
  try {
    decideAndUpgrade(upgrade, facts, runtime, deps, { ending, end, refuse, fail });
  } catch (error) {
    // A defect of ours must cost one request, never the process.
    fail(defectOf(error));
  }
}

/** Where it is counted once it is known what became of it. */
interface Ending {
  tally: SurfaceTally;
  count(status: number, error?: SidecarError): void;
}

/** Says no on the socket, and writes the request's line. */
type Refuse = (status: number, errcode: string, message: string, error?: SidecarError) => void;

/** What may become of it. */
interface Outcomes {
  readonly ending: Ending;
  /** The homeserver answered, and it is over: writes the request's line. */
  readonly end: (ended: Pick<RequestEnd, 'status' | 'server' | 'origin' | 'pools' | 'carried'>) => void;
  readonly refuse: Refuse;
  readonly fail: (error: SidecarError) => void;
}

function decideAndUpgrade(
  { request, socket, head, connection }: UpgradeRequest,
  facts: RequestFacts,
  runtime: Runtime,
  deps: UpgradeDeps,
  { ending, end, refuse, fail }: Outcomes,
): void {
  const authority = request.headers.host;
  const asked = { method: request.method ?? 'GET', target: request.url ?? '/', headers: request.rawHeaders };
  const decision = runtime.route({
    listener: connection.listener === 'admin' ? 'http' : connection.listener,
    method: asked.method,
    target: asked.target,
    authority,
    serverName: connection.serverName,
    clientAddress: facts.client.address,
    origins: () => listClaimedOrigins(request.rawHeaders),
  });
  ending.tally = deps.tally.of(findSurface(decision));
  if (decision.do === 'refuse') deps.tally.refused(decision.because);
  if (decision.do === 'refuse') return refuse(decision.status, decision.errcode, decision.message);
  if (decision.do !== 'forward' || request.method !== 'GET')
    return refuse(400, 'M_UNKNOWN', 'Nothing at this path speaks WebSocket.');
  const source = { headers: request.rawHeaders, authority, httpVersion: '1.1' } as const;
  const headers = buildRequestHeaders(source, facts.forwarded);
  if (!headers.ok) return refuse(400, 'M_UNKNOWN', `Bad request: ${headers.why}.`);
  const { endpoint, server } = decision;
  const surface = endpoint?.surface;
  const origin = surface === 'federation' ? readOrigin(request.rawHeaders) : undefined;
  // Synapse ignores such an offer, and answers as to any other request: it counts as one.
  admitRequest(
    { ...{ surface, origin, clientAddress: facts.client.address }, exchange: asExchange(request, socket) },
    runtime.admissions,
    {
      system: deps.system,
      go: () =>
        chooseConnections(asked, facts, decision, runtime, ({ connections, key, pools }) => {
          // Whose token it is may have had to be asked.
          if (socket.destroyed) return;
          const way = { server, origin, pools };
          const answer = (status: number): void => {
            ending.count(status);
            if (status !== 101) end({ ...way, status });
          };
          try {
            deps.upgrader.upgrade(request, socket, head, {
              ...{ connections, key, target: decision.target ?? asked.target, headers: headers.value },
              deadline: endpoint?.deadline ?? DEFAULT_DEADLINE,
              onAnswer: answer,
              onEnd: (carried) => end({ ...way, status: 101, carried }),
              // As any request that has no answer.
              onLeft: () => answer(0),
              onFailure: fail,
            });
          } catch (error) {
            fail(defectOf(error));
          }
        }),
      refuse(party, limit) {
        deps.tally.limited(party, limit);
        refuse(429, 'M_LIMIT_EXCEEDED', 'Too many requests at once.');
      },
    },
  );
}

/** As for a request, but that it waits for nobody who is away: an app that wants a WebSocket opens it again by itself. */
function chooseConnections(
  asked: Pick<Exchange, 'method' | 'target' | 'headers'>,
  facts: RequestFacts,
  decision: Decision & { readonly do: 'forward' },
  runtime: Runtime,
  go: (chosen: ChosenConnections) => void,
): void {
  if (decision.pools === undefined)
    return go({ connections: runtime.connectionsTo(decision.upstream), key: undefined, pools: undefined });
  const { way, findKey, pools } = choosePlace(asked, facts, decision, runtime);
  const { connections } = way;
  const key = findKey();
  if (key instanceof Promise) void key.then((found) => go({ connections, key: found, pools }));
  else go({ connections, key, pools });
}

/** By what it is sent; `pools` as in its request line. */
interface ChosenConnections {
  readonly connections: UpstreamWay;
  readonly key: string | undefined;
  readonly pools: readonly string[] | undefined;
}

/** What an admission has to know of it. */
function asExchange(request: IncomingMessage, socket: Duplex): Applicant['exchange'] {
  return {
    headers: request.rawHeaders,
    get closed() {
      return socket.destroyed;
    },
    onClosed: (listener) => void socket.once('close', listener),
  };
}
