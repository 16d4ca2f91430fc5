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
  /** By origin server. Other servers wait first: to be refused makes them stay away for long. */
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
    servers: createAdmission({
      perKey: limits.requestsPerOrigin,
      total: limits.federationRequests,
      waitingPerKey: WAITING_PER_ORIGIN,
      waiting: WAITING,
    }),
  };
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
  const federated = surface === 'federation' || surface === 'key';
  const admission = federated ? admissions.servers : admissions.clients;
  const key = (surface === 'federation' ? readOrigin(exchange.headers) : undefined) ?? networkOf(clientAddress);
  const party = federated ? 'server' : 'client';
  let started = false;
  const leave = admission.enter(key, () => {
    started = true;
    deps.go();
  });
  if (leave === undefined) return deps.refuse(party);
  if (exchange.closed) return leave();
  exchange.onClosed(leave);
  if (started) return;
  const timer = deps.system.setTimer(QUEUED, () => {
    if (started || exchange.closed) return;
    leave();
    deps.refuse(party);
  });
  exchange.onClosed(() => timer.cancel());
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
