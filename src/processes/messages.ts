import type { Readiness, Status } from '../admin/status.ts';
import type { MetricFamily, MetricsSnapshot } from '../observe/metric-family.ts';
import type { TrafficStatus } from '../observe/traffic-record.ts';

/**
 * What the supervising process and those that serve say to each other. A process that serves can be of a newer release than
 * the one that supervises: who changes the meaning of anything here makes this number larger.
 */
export const PROTOCOL = 1;

/** What is asked of a process, and what it tells. */
export interface Told {
  readonly status: Status;
  readonly readiness: Readiness;
  readonly metrics: MetricsSnapshot;
}
export type Topic = keyof Told;

/** What the supervising process says. */
export type FromSupervisor =
  /** The first message. `order` is for who serves to read: the supervising process only keeps it. */
  | { readonly kind: 'start'; readonly protocol: number; readonly slot: number; readonly order: unknown }
  /**
   * Stop: after what is under way, or at once. Connections on which nothing is get so many milliseconds before they are
   * closed. `next` is the order that a successor serves.
   */
  | { readonly kind: 'drain'; readonly patience: number; readonly next?: unknown }
  | { readonly kind: 'close' }
  /** Tell what is so in your process. */
  | { readonly kind: 'tell'; readonly id: number; readonly topic: Topic }
  /** What is so in all of them. */
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Told[Topic] | null };

/** What a process that serves says. */
export type FromServing =
  | { readonly kind: 'ready'; readonly status: Status }
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | { readonly kind: 'told'; readonly id: number; readonly topic: Topic; readonly told: Told[Topic] }
  /** What is so in all of us? The admin listener was asked. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: Topic }
  /** The last message: it ends because it was asked to, and this is what it has counted. */
  | { readonly kind: 'done'; readonly counted: readonly MetricFamily[]; readonly traffic?: TrafficStatus | undefined };

/** Why a process could not start. */
export interface StartFailure {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code?: string | undefined;
}
