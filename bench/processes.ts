import { spawn } from 'node:child_process';
import { BenchError } from './bench-error.ts';
import { listProcessTree } from './process-tree.ts';

/** A child that the bench started. */
export interface BenchProcess {
  readonly pid: number;
  /** What it wrote, both streams, the end of it. */
  output(): string;
  /** Whether it still runs. */
  readonly alive: boolean;
  /** SIGTERM, then SIGKILL to it and all below it after five seconds; resolves when it has ended. */
  stop(): Promise<void>;
  /** Resolves when it has ended and all its output has been read; with its exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

export interface StartOptions {
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** Processors that it may run on, as taskset writes them; all that we have when absent. */
  readonly cores?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** All children of the bench. */
export interface Processes {
  start(options: StartOptions): BenchProcess;
  /** Stops everything that still runs; nothing is started any more. */
  close(): Promise<void>;
}

/** Milliseconds between asking a process to end and ending it. */
const PATIENCE = 5_000;
const KEPT_OUTPUT = 8_000;

/**
 * Starts processes so that none outlives the bench: they are stopped by `close`, killed when this process exits, and get
 * SIGTERM from the kernel (setpriv, of util-linux) should this process be killed itself.
 */
export function createProcesses(): Processes {
  const running = new Set<BenchProcess>();
  let closing = false;
  const killAll = (): void => {
    for (const one of running) killTree(listProcessTree(one.pid));
  };
  process.on('exit', killAll);

  function start({ argv, cores, env, cwd }: StartOptions): BenchProcess {
    if (closing) throw new BenchError('The bench is ending.');
    const pinned = cores === undefined ? [] : ['taskset', '--cpu-list', cores];
    const [program, ...args] = [...pinned, 'setpriv', '--pdeathsig', 'TERM', ...argv];
    const child = spawn(program!, args, {
      // chroot and taskset may be where a user's PATH does not lead.
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    let alive = true;
    const ended = new Promise<number | null>((resolve) => {
      const end = (code: number | null): void => {
        alive = false;
        running.delete(one);
        resolve(code);
      };
      child.on('error', (error) => {
        said += error.message;
        end(127);
      });
      child.on('close', end);
    });
    const one: BenchProcess = {
      pid: child.pid ?? 0,
      output: () => said,
      get alive() {
        return alive;
      },
      ended,
      async stop() {
        if (!alive) return;
        // Those below it, as long as they can still be found.
        const tree = listProcessTree(one.pid);
        child.kill('SIGTERM');
        const timer = setTimeout(() => killTree([...tree, ...listProcessTree(one.pid)]), PATIENCE);
        await ended;
        clearTimeout(timer);
      },
    };
    running.add(one);
    return one;
  }

  return {
    start,
    async close() {
      closing = true;
      await Promise.all([...running].map((one) => one.stop()));
      process.off('exit', killAll);
    },
  };
}

function killTree(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
