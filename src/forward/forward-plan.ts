import type { SidecarError } from '../base/errors.ts';
import type { RetrySafety } from '../matrix/endpoint-table.ts';
import type { Hold } from './hold.ts';
import type { SlowReaderDeps } from './slow-reader.ts';
import type { UpstreamWay } from './upstream-way.ts';

/** Where requests to an upstream go. */
export interface ForwardPlace {
  readonly connections: UpstreamWay;
  /** What they ask for there, raw, where that is not what the client asked for. */
  readonly target?: string | undefined;
  /** Where they wait while the homeserver is away; undefined for what is answered at once then. */
  readonly hold: Hold | undefined;
  /** What the instance is chosen by; undefined: the least busy. */
  readonly key?: string | undefined;
}

/** How one request is to be forwarded. */
export interface ForwardPlan extends ForwardPlace {
  /** The client's address, where a trusted proxy stands between as well. */
  readonly client: string;
  /** For the homeserver, from buildRequestHeaders. */
  readonly headers: string[];
  /** Bytes. */
  readonly bodyLimit: number;
  /** Milliseconds until the answer begins, counted from the last byte of the request. */
  readonly deadline: number;
  /** Milliseconds in which a transfer has to move on, in either direction. */
  readonly stalled: number;
  readonly retry: RetrySafety;
  /**
   * Where it is to go by the configuration in force, if that is not `from` any more, where it was to go until now; nowhere,
   * if it is not to be forwarded at all.
   */
  moved(from: UpstreamWay): ForwardPlace | 'nowhere' | undefined;
  /** Another server's, which would stay away for long if it might not wait. */
  readonly forServer: boolean;
  /** `System.monotonic` of its arrival, and the milliseconds from then in which it may wait and be sent again. */
  readonly arrived: number;
  readonly patience: number;
}

/** It has waited for the homeserver, is sent once more because its connection died, or goes to another instance. */
export type SecondChance = 'hold' | 'repeat' | 'instance';

/** Who is told what became of it. */
export interface ForwardDeps extends Omit<SlowReaderDeps, 'resume'> {
  /** The answer has not begun: give one that says what happened. */
  onFailure(error: SidecarError): void;
  /** By the configuration in force it is not to be forwarded: answer as that says. Nothing of an answer has begun. */
  onNowhere(): void;
  /** It has waited for the homeserver, milliseconds, in vain or not. */
  onWaited(ms: number): void;
  /** It would have failed by now, and goes on: see `SecondChance`. */
  onSecondChance(by: SecondChance): void;
  /** The answer had begun and cannot be completed; it was cut off. */
  onCut(error: SidecarError): void;
}
