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
  readonly clientAddress: string;
}

/**
 * Calls `go` when it is the request's turn, or `refuse` where too many wait or it has waited as long as it could. The
 * place is given back when the exchange is closed.
 */
export function admitRequest(
  { exchange, surface, clientAddress }: Applicant,
  admissions: Admissions,
  deps: { readonly system: System; go(): void; refuse(party: 'client' | 'server'): void },
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
  const refuse = (): void => settle(() => deps.refuse(party));
  const origin = surface === 'federation' ? readOrigin(exchange.headers) : undefined;
  const leave = federated
    ? enterAsServer(admissions, { network, origin }, go, refuse)
    : admissions.clients.enter(network, go);
  if (leave === undefined) return refuse();
  if (exchange.closed) return leave();
  exchange.onClosed(leave);
  if (settled) return;
  const timer = deps.system.setTimer(QUEUED, () => {
    if (settled || exchange.closed) return;
    leave();
    refuse();
  });
  exchange.onClosed(() => timer.cancel());
}

/** Its own share first, where it waits in front of nobody else, then that of its network. As `Admission.enter`. */
function enterAsServer(
  { origins, servers }: Admissions,
  { network, origin }: { readonly network: string; readonly origin: string | undefined },
  go: () => void,
  refuseLate: () => void,
): (() => void) | undefined {
  let entering = true;
  let refused = false;
  let leaveSecond: (() => void) | undefined;
  const leaveFirst = origins.enter(`${origin ?? ''} ${network}`, () => {
    leaveSecond = servers.enter(network, go);
    refused = leaveSecond === undefined;
    if (refused && !entering) refuseLate();
  });
  entering = false;
  if (leaveFirst === undefined) return undefined;
  if (refused) {
    leaveFirst();
    return undefined;
  }
  return () => {
    leaveSecond?.();
    leaveFirst();
  };
}

const ORIGIN = /^X-Matrix .{0,1000}?\borigin="?([^",\s]{1,261})/i;

/** Who a request says that it comes from. Not verified. */
function readOrigin(headers: RawHeaders): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    return ORIGIN.exec(headers[index + 1]!)?.[1];
  }
  return undefined;
}
