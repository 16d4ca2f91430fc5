import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { BenchError } from './bench-error.ts';

/** Which processors do what, in the notation of taskset. */
export interface Placement {
  /** One processor, for the proxy that is measured and nothing else. */
  readonly proxy: string;
  /** All others, for load and upstream. */
  readonly others: string;
  /** For two processes of the proxy. */
  readonly pair: string;
}

/** The processors in a list such as "0-2,5", of /proc/self/status. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
    });
}

/** The last processor is the proxy's; what is left is everybody else's. Undefined where there is but one. */
export function decidePlacement(allowed: readonly number[]): Placement | undefined {
  const last = allowed.at(-1);
  const before = allowed.at(-2);
  if (last === undefined || before === undefined) return undefined;
  return { proxy: String(last), others: allowed.slice(0, -1).join(','), pair: `${before},${last}` };
}

/** Moves this process, and with it the load, off the proxy's processor. */
export function takePlaces(): Placement {
  const placement = decidePlacement(parseCpuList(readStatus('Cpus_allowed_list')));
  if (placement === undefined) throw new BenchError('The bench needs two processors: one is for the proxy alone.');
  const args = ['--all-tasks', '--cpu-list', '--pid', placement.others, String(process.pid)];
  if (spawnSync('taskset', args, { stdio: 'ignore' }).status !== 0) {
    throw new BenchError('taskset and setpriv have to be there and to work: apt-get install util-linux');
  }
  return placement;
}

/** Open files that a process may have here: its soft limit, which Node has raised to the hard one. */
export function readOpenFiles(): number {
  const line = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return line === undefined || line === 'unlimited' ? 1_000_000 : Number(line);
}

/** What figures depend on, for the record. */
export interface MachineFacts {
  readonly processor: string;
  readonly processors: number;
  readonly kernel: string;
  /** Processes that wanted to run in the minute before the bench, on average. */
  readonly load: number;
}

export function describeMachine(): MachineFacts {
  const all = cpus();
  return { processor: all[0]?.model ?? 'unknown', processors: all.length, kernel: release(), load: loadavg()[0] ?? 0 };
}

function readStatus(key: string): string {
  return new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
}
