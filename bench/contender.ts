import { setTimeout as sleep } from 'node:timers/promises';
import { answersRight, type Target } from './ask.ts';
import { BenchError } from './bench-error.ts';
import { type ContenderName, TITLES } from './peers/peer.ts';
import { listProcessTree, readCpuTime, readResident } from './process-tree.ts';
import type { BenchProcess } from './processes.ts';

/** A proxy that runs and answers. */
export interface Contender extends Target {
  readonly name: ContenderName;
  /** Milliseconds from the start of the process to the end of the first right answer. */
  readonly firstAnswer: number;
  /** Microseconds of CPU time of each of its processes so far, by process id. */
  cpu(): ReadonlyMap<number, number>;
  /** Bytes resident, all processes. */
  resident(): number;
  stop(): Promise<void>;
}

/** Milliseconds that a proxy may take to its first answer. */
const START_LIMIT = 20_000;
/** Between two tries, milliseconds. */
const STEP = 2;

/** Resolves when the process answers. It is stopped when it does not. */
export async function awaitContender(
  name: ContenderName,
  process: BenchProcess,
  target: Target,
  startedAt: number,
): Promise<Contender> {
  let firstAnswer: number | undefined;
  let why = '';
  while (process.alive && firstAnswer === undefined && performance.now() - startedAt < START_LIMIT) {
    try {
      if (await answersRight(target)) firstAnswer = performance.now() - startedAt;
      else why = 'it answers something else';
    } catch (error) {
      why = String(error);
    }
    if (firstAnswer === undefined) await sleep(STEP);
  }
  if (firstAnswer === undefined) {
    await process.stop();
    throw new BenchError(`${TITLES[name]} did not come up: ${why}\n${process.output()}`);
  }
  return {
    ...target,
    name,
    firstAnswer,
    cpu: () => new Map(listProcessTree(process.pid).map((pid) => [pid, readCpuTime(pid)])),
    resident: () => readResident(process.pid),
    stop: () => process.stop(),
  };
}

/** Microseconds that were used between two accounts, by process; one that is new in the second began at nothing. */
export function cpuBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number[] {
  return [...after].map(([pid, used]) => used - (before.get(pid) ?? 0));
}

/** Sum of numbers. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
