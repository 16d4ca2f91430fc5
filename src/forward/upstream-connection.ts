import type { Readable } from 'node:stream';
import type { HealthCheck } from './health-check.ts';
import type { Instance } from './instance.ts';
import type { Trouble } from './instance-health.ts';
import type { AnswerHead } from './upstream/parse-head.ts';
import type { RequestHead } from './upstream/write-head.ts';

/** A request as the homeserver is to get it. */
export interface UpstreamRequest extends RequestHead {
  /** None, one that is here, or one that is on its way. Destroyed when there is no use for (more of) it. */
  readonly body: Buffer | Readable | null;
  /** Milliseconds from the end of the request, or from what the homeserver took of it last, to the head of the answer. */
  readonly answerWithin: number;
  /** Milliseconds in which an answer that has begun has to move on, while it is not paused. */
  readonly moveWithin: number;
}

/** Receives what becomes of a request. In this order; `end` or `failed` is the last, and comes once. */
export interface AnswerHandler {
  /** There is a connection, and the request is sent now. */
  begun(): void;
  /** An interim answer (1xx), but for 100 and 101. */
  interim(head: AnswerHead): void;
  head(head: AnswerHead): void;
  data(chunk: Buffer): void;
  end(trailers: readonly string[]): void;
  /** The error has a code: a WireError, the system's, or a SidecarError. */
  failed(error: Error): void;
}

/** A connection that one request has to itself, until it is given back; then all of this does nothing. */
export interface UpstreamConnection {
  /** Where it leads. */
  readonly instance: Instance;
  /** Whether that instance is here, when an answer looks as if it were not; undefined where it is the only one. */
  readonly doubts: HealthCheck | undefined;
  dispatch(request: UpstreamRequest, handler: AnswerHandler): void;
  /** Nothing of the answer is given to the handler until `resume`, not even its end. */
  pause(): void;
  resume(): void;
  /** Ends the request: its handler hears of `error`, at once. */
  abort(error: Error): void;
  /** Gives it back when its request has ended well; the next one may have it. */
  release(): void;
  /**
   * Gives it back when its request has not: it is closed. With `trouble`, idle connections to the same instance are as
   * well, and others are preferred to it. Of `release` and `discard`, the first call counts.
   */
  discard(trouble?: Trouble): void;
}
