import type { HttpsExchange, HttpsOutcome, HttpsRequest } from '../base/https-exchange.ts';
import type { System } from '../base/system.ts';
import { VERSION } from '../base/version.ts';

/** One request to one place; everything else about it is the same for the whole test. */
export type Question = Pick<HttpsRequest, 'address' | 'port' | 'certificateName' | 'host' | 'target' | 'maxBody'> &
  Partial<Pick<HttpsRequest, 'method' | 'headers' | 'body'>> & {
    /** Milliseconds for this one, instead of the usual patience. */
    readonly patience?: number;
  };

/** Milliseconds for each part of a request. */
export interface Patience {
  readonly connect: number;
  readonly handshake: number;
  /** From dialling to the end of the answer: other servers wait ten seconds for keys. */
  readonly answer: number;
}

export interface BudgetSlice {
  /** Milliseconds for the whole test. */
  readonly total: number;
  readonly patience: Patience;
  /** How many connections may be open at a time. */
  readonly connections: number;
}

/** As every homeserver says who it is: firewalls take who does not for a robot. */
const OUR_HEADERS = [
  ['User-Agent', `matrix-sidecar/${VERSION}`],
  ['Accept', 'application/json, */*;q=0.5'],
] as const;

/** The time and the connections that one test may use. */
export interface TestBudget {
  /** Ends with the total time, or when the caller's signal does. */
  readonly signal: AbortSignal;
  /** Whether the total time was over before everything was done. */
  isOver(): boolean;
  /** Sends one request, certificate judged but not insisted on. Undefined when the time is over. */
  ask(question: Question): Promise<HttpsOutcome | undefined>;
  /** Waits for something else; undefined when the time is over. Rejects with the reason of the caller's signal. */
  within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>;
  close(): void;
}

/** Opens the budget; the clock runs from now on. `signal` is the caller's: when it aborts, everything rejects. */
export function openTestBudget(
  slice: BudgetSlice,
  deps: { readonly system: System; readonly exchange: HttpsExchange },
  signal: AbortSignal,
): TestBudget {
  const own = new AbortController();
  const timer = deps.system.setTimer(slice.total, () => own.abort());
  const both = AbortSignal.any([signal, own.signal]);
  const waiting: (() => void)[] = [];
  let free = slice.connections;
  let missed = false;

  const within = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
    signal.throwIfAborted();
    if (own.signal.aborted) {
      missed = true;
      return undefined;
    }
    try {
      return await work(both);
    } catch (error) {
      signal.throwIfAborted();
      if (!own.signal.aborted) throw error;
      missed = true;
      return undefined;
    }
  };

  const take = async (): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };

  return {
    signal: both,
    isOver: () => missed,
    within,
    async ask({ patience, ...question }) {
      await take();
      try {
        const { connect, handshake, answer } = slice.patience;
        const deadline = { connect, handshake, total: patience ?? answer };
        const headers = [...OUR_HEADERS, ...(question.headers ?? [])];
        const request: HttpsRequest = { method: 'GET', ...question, headers, deadline };
        return await within((until) => deps.exchange.request(request, { verify: false, signal: until }));
      } finally {
        give();
      }
    },
    close: () => timer.cancel(),
  };
}
