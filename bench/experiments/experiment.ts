import type { Contender } from '../contender.ts';
import type { LoadDeps } from '../h2load.ts';
import type { ContenderName } from '../peers/peer.ts';
import type { Cell, Row } from '../result.ts';

/** `fixed` answers at once and costs little; `scripted` reads bodies, and waits where it is told to. */
export type UpstreamKind = 'fixed' | 'scripted';

/** What an experiment may use. */
export interface Bench extends LoadDeps {
  /** Seconds of load for a figure, about. */
  readonly seconds: number;
  /** The port of an upstream, which is started when it is first asked for. */
  upstream(kind: UpstreamKind): Promise<number>;
  /** A proxy of the experiment's own, which it has to stop. `processes`: of the sidecar, where that is known. */
  start(name: ContenderName, upstreamPort: number, processes?: number): Promise<Contender>;
  /** Why this sidecar cannot run as several processes; undefined when it can. */
  whyNoProcesses(): Promise<string | undefined>;
}

/** One way of measuring, with the rows of the table that it fills. */
export interface Experiment {
  readonly rows: readonly Row[];
  /** Open files that a process needs for it. */
  readonly openFiles: number;
  /** Only the sidecar takes part. */
  readonly alone?: boolean;
  /** Why it cannot be made here; asked once. */
  obstacle?(bench: Bench): Promise<string | undefined>;
  /** Gets a contender warm, and makes what measures it. It is stopped by `finish`. */
  prepare(bench: Bench, name: ContenderName): Promise<Prepared>;
}

export interface Prepared {
  /** Measures once. */
  measure(): Promise<readonly Cell[]>;
  finish(): Promise<void>;
}
