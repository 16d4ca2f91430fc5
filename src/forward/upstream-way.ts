import type { Instance } from './instance.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { Connected } from './upstream-line.ts';

export interface TakeOptions {
  /** For a request that cannot be sent again if its connection is closed just now: a new one has no such moment. */
  readonly fresh?: boolean;
  /** Instances where the request has been: another one is preferred. */
  readonly tried?: ReadonlySet<Instance> | undefined;
  /** Requests of the same key go to the same instance, as long as that can be had; without one, to the least busy. */
  readonly key?: string | undefined;
}

/** What a request is sent by: the connections to one upstream, or to several of which each stands in for the one before. */
export interface UpstreamWay {
  readonly upstream: {
    /** Where it leads, for people. */
    readonly text: string;
  };
  /** To an instance that is here; where there is none, to another. */
  take(options?: TakeOptions): UpstreamConnection;
  /** Is there an instance that is here, and not in `tried`? */
  hasOther(tried: ReadonlySet<Instance>): boolean;
  /**
   * A bare connection, for a protocol of its own. One instance after the other is tried until one can be reached; `key` as
   * in `TakeOptions`.
   */
  dial(key: string | undefined, done: Connected): void;
  /** Whether it takes requests: where there are several instances, whether one does. Never rejects. */
  probe(): Promise<boolean>;
}
