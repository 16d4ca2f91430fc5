import type { Dispatcher } from 'undici';
import type { HealthCheck } from './health-check.ts';
import type { Instance } from './instance.ts';
import type { Trouble } from './instance-health.ts';

/** A connection that one request has to itself, until it is given back. */
export interface UpstreamConnection {
  /** True when it has carried a request before: it may have been closed by the homeserver in this very moment. */
  readonly reused: boolean;
  /** Where it leads. */
  readonly instance: Instance;
  /** Whether that instance is here, when an answer looks as if it were not; undefined where it is the only one. */
  readonly doubts: HealthCheck | undefined;
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
  /** Gives it back when its request has ended well; the next one may have it. */
  release(): void;
  /**
   * Gives it back when its request has not: it is closed. With `trouble`, idle connections to the same instance are as
   * well, and others are preferred to it. Of `release` and `discard`, the first call counts.
   */
  discard(trouble?: Trouble): void;
}
