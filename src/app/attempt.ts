import type { SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Exchange } from '../forward/exchange.ts';
import type { UnreadAnswers } from '../forward/unread-answers.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FederationTester } from './federation-tester.ts';
import { beginRequestLine, type RequestEnd } from './log-request.ts';
import type { OwnAnswers } from './own-answers.ts';
import type { RequestFacts } from './request-facts.ts';
import type { Runtime } from './runtime.ts';
import type { RequestTally, Saviour, SurfaceTally } from './tally-requests.ts';

/** What a request needs of the sidecar. */
export interface RequestDeps {
  readonly system: System;
  readonly log: Log;
  readonly answers: OwnAnswers;
  readonly metrics: Metrics;
  readonly tally: RequestTally;
  /** What is in force. */
  runtime(): Runtime;
  /** A fresh request id. */
  nextRequestId(): string;
  /** The answer to an ACME http-01 challenge; undefined when there is none under way for this token. */
  challengeAnswer(token: string): Promise<string | undefined>;
  /** What proves to `doctor` that this is the sidecar that it means; undefined for tokens of nobody's. */
  probeProof(token: string): Promise<string | undefined>;
  readonly tester: FederationTester;
  readonly unread: UnreadAnswers;
}

/** A request under way. */
export interface Attempt {
  readonly exchange: Exchange;
  readonly facts: RequestFacts;
  readonly runtime: Runtime;
  readonly deps: RequestDeps;
  /** By the clock of `RequestTally`. */
  readonly began: number;
  tally: SurfaceTally;
  /** Who another server's request says that it is from. */
  origin: string | undefined;
  /** Whose it is, and the pools of workers that it was for. */
  server: string | undefined;
  pools: readonly string[] | undefined;
  /** Milliseconds that it waited for the homeserver. */
  held: number;
  /** What has kept it from failing until now. */
  saviour: Saviour | undefined;
  error: SidecarError | undefined;
  /** A homeserver that cannot be had is not to be held against it. */
  mild: boolean;
}

/** When it is over, it is counted, and has its line in the log. One listener for both. */
export function observeEnd(attempt: Attempt): void {
  const write = beginLine(attempt);
  attempt.exchange.onClosed(() => {
    const savedBy = count(attempt);
    if (write === undefined) return;
    const { exchange, error, origin, server, pools, held } = attempt;
    const { surface } = attempt.tally;
    write({ status: exchange.status, error, surface, server, origin, pools, held, savedBy });
  });
}

/** The result is what saved it. */
function count({ exchange: { status }, deps, tally, began, saviour, error, origin }: Attempt): Saviour | undefined {
  const saved = saviour === 'last-good' || (saviour !== undefined && error === undefined && status > 0 && status < 500);
  tally.count(status, began, saved ? undefined : error);
  if (saved) deps.tally.saved(saviour);
  if (tally.surface === 'federation') deps.tally.cameFrom(origin, status);
  return saved ? saviour : undefined;
}

function beginLine(attempt: Attempt): ((end: RequestEnd) => void) | undefined {
  const { exchange, facts, runtime, deps } = attempt;
  const setting = runtime.config.log.requests;
  if (setting === 'off') return undefined;
  const request = {
    listener: exchange.facts.listener,
    method: exchange.method,
    authority: exchange.authority,
    target: exchange.target,
    httpVersion: exchange.httpVersion,
  };
  return beginRequestLine(request, facts, setting, deps);
}
