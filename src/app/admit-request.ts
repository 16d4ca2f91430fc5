import { networkOf } from '../base/network-of.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { type Admission, createAdmission } from '../forward/admission.ts';
import type { Exchange, RawHeaders } from '../forward/exchange.ts';
import type { Surface } from '../matrix/endpoint-table.ts';

/** Milliseconds that a server's request may wait for its turn; peers give up at 60 s. */
const QUEUED = 45_000;
/** Requests of one other server that wait, and of all together: each holds a connection and nothing else. */
const WAITING_PER_ORIGIN = 500;
const WAITING = 2_000;

/** Who may have how much of the homeservers at once. */
export interface Admissions {
  /** By the client's network. Nobody waits: a client is told when to come again. */
  readonly clients: Admission;
  /**
   * By origin server and the network that it asks from: nobody takes the places of a server by naming it. Other servers
   * wait first: to be refused makes them stay away for long.
   */
  readonly origins: Admission;
  /** Of those, by network alone: whoever names many servers leaves half of all places to others. */
  readonly servers: Admission;
}

export function createAdmissions(limits: Config['limits']): Admissions {
  return {
    clients: createAdmission({
      perKey: limits.requestsPerClient,
      total: Number.POSITIVE_INFINITY,
      waitingPerKey: 0,
      waiting: 0,
    }),
    origins: createAdmission({
      perKey: limits.requestsPerOrigin,
      total: Number.POSITIVE_INFINITY,
      waitingPerKey: WAITING_PER_ORIGIN,
      waiting: WAITING,
    }),
    servers: createAdmission({
      perKey: Math.ceil(limits.federationRequests / 2),
      total: limits.federationRequests,
      waitingPerKey: WAITING / 2,
      waiting: WAITING,
    }),
  };
}

/** What other servers ask for, and nobody else. */
export function isServers(surface: Surface | undefined): boolean {
  return surface === 'federation' || surface === 'key';
}

/** A request that asks to be let in. */
export interface Applicant {
  readonly exchange: Pick<Exchange, 'headers' | 'closed' | 'onClosed'>;
  readonly surface: Surface | undefined;
  /** Who a request of another server says that it comes from, by `readOrigin`. */
  readonly origin: string | undefined;
  readonly clientAddress: string;
}

/** What a request is refused for: a key of `limits`, or that it has waited as long as it could. */
export type RequestLimit = 'requests_per_client' | 'requests_per_origin' | 'federation_requests' | 'wait';

/**
 * Calls `go` when it is the request's turn, or `refuse` where too many wait or it has waited as long as it could. The
 * place is given back when the exchange is closed.
 */
export function admitRequest(
  { exchange, surface, origin, clientAddress }: Applicant,
  admissions: Admissions,
  deps: { readonly system: System; go(): void; refuse(party: 'client' | 'server', limit: RequestLimit): void },
): void {
  const federated = isServers(surface);
  const party = federated ? 'server' : 'client';
  const network = networkOf(clientAddress);
  let settled = false;
  const settle = (how: () => void): void => {
    if (settled) return;
    settled = true;
    how();
  };
  const go = (): void => settle(deps.go);
  const refuse = (limit: RequestLimit): void => settle(() => deps.refuse(party, limit));
  const leave = federated
    ? enterAsServer(admissions, { network, origin }, go, refuse)
    : admissions.clients.enter(network, go);
  if (leave === undefined) return refuse('requests_per_client');
  if (typeof leave === 'string') return refuse(leave);
  if (exchange.closed) return leave();
  exchange.onClosed(leave);
  if (settled) return;
  const timer = deps.system.setTimer(QUEUED, () => {
    if (settled || exchange.closed) return;
    leave();
    refuse('wait');
  });
  exchange.onClosed(() => timer.cancel());
}

/** Its own share first, where it waits in front of nobody else, then that of its network. As `Admission.enter`, or what refused it. */
function enterAsServer(
  { origins, servers }: Admissions,
  { network, origin }: { readonly network: string; readonly origin: string | undefined },
  go: () => void,
  refuseLate: (limit: RequestLimit) => void,
): (() => void) | RequestLimit {
  let entering = true;
  let refused = false;
  let leaveSecond: (() => void) | undefined;
  const leaveFirst = origins.enter(`${origin ?? ''} ${network}`, () => {
    leaveSecond = servers.enter(network, go);
    refused = leaveSecond === undefined;
    if (refused && !entering) refuseLate('federation_requests');
  });
  entering = false;
  if (leaveFirst === undefined) return 'requests_per_origin';
  if (refused) {
    leaveFirst();
    return 'federation_requests';
  }
  return () => {
    leaveSecond?.();
    leaveFirst();
  };
}

const ORIGIN = /^X-Matrix .{0,1000}\borigin="?([^",\s]{1,261})/i;

/**
 * Who a request says that it comes from. Not verified. Of several, the last one of the last field, as Synapse reads it
 * (federation/transport/server/_base.py): a server that signs as itself must not appear as another.
 */
export function readOrigin(headers: RawHeaders): string | undefined {
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    const name = headers[index]!;
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    return ORIGIN.exec(headers[index + 1]!)?.[1];
  }
  return undefined;
}
