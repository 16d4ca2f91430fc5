import type { ChildProcess } from 'node:child_process';
import { pause } from '../../harness/until.ts';
import type { Sample, Victim } from './victim.ts';

/** What the innocent client noticed in a span of time. Milliseconds. */
export interface Experience {
  readonly fresh: Latency;
  readonly kept: Latency;
  readonly failures: readonly string[];
}

export interface Latency {
  readonly samples: number;
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
}

/** One attack, and what it came to. Memory in MiB. */
export interface Measured {
  readonly attack: string;
  readonly seconds: number;
  /** What the attacker says that it did. */
  readonly did: Readonly<Record<string, number>>;
  /** Share of one core that the sidecar used, in percent. */
  readonly cpu: number;
  /** Without an attack, just before it. */
  readonly control: Experience;
  readonly under: Experience;
  readonly rss: { readonly before: number; readonly most: number; readonly after: number };
}

/** Milliseconds without an attack that are measured before one. */
const CONTROL = 2_000;
/** Milliseconds after it until memory is looked at. */
const AFTER = 1_500;

/** Runs an attack on a victim and looks how an innocent client and the sidecar's memory fare. */
export async function measure(victim: Victim, attack: string, start: () => Attack): Promise<Measured> {
  const quietFrom = Date.now();
  await pause(CONTROL);
  const before = victim.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, victim.rss());
  }, 50);
  const cpuBefore = victim.cpu();
  const from = Date.now();
  const did = await start();
  const to = Date.now();
  const cpu = victim.cpu() - cpuBefore;
  await pause(AFTER);
  clearInterval(watch);
  const seconds = (to - from) / 1_000;
  return {
    ...{ attack, did },
    seconds: round(seconds),
    cpu: Math.round((100 * cpu) / seconds),
    control: experience(victim.samples, quietFrom, from),
    under: experience(victim.samples, from, to),
    rss: { before: Math.round(before), most: Math.round(most), after: Math.round(victim.rss()) },
  };
}

/** Resolves with what was done when the attack is over. */
type Attack = Promise<Readonly<Record<string, number>>>;

/** What an attacking program prints, to its end. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  await new Promise((resolve) => child.once('close', resolve));
  return output;
}

function experience(samples: readonly Sample[], from: number, to: number): Experience {
  const within = samples.filter(({ at }) => at >= from && at < to);
  const latency = (kind: Sample['kind']): Latency => {
    const sorted = within
      .flatMap((one) => (one.kind === kind && one.ms !== undefined ? [one.ms] : []))
      .sort((a, b) => a - b);
    const at = (share: number): number => round(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN);
    return { samples: sorted.length, median: at(0.5), p99: at(0.99), worst: at(1) };
  };
  return {
    fresh: latency('fresh'),
    kept: latency('kept'),
    failures: within.flatMap(({ failure, kind }) => (failure === undefined ? [] : [`${kind} ${failure}`])),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
