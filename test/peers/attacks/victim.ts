import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ServeProcess, startServe } from '../../harness/process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** The name that it serves. */
export const NAME = 'a.test';

/** One answer that the innocent client got, or did not. */
export interface Sample {
  /** When it was due, milliseconds since the epoch. */
  readonly at: number;
  readonly kind: 'fresh' | 'kept';
  /** Undefined where there was no good answer. */
  readonly ms: number | undefined;
  readonly failure: string | undefined;
}

/** A sidecar as in production (compiled), with a homeserver behind it and an innocent client in front, a process each. */
export interface Victim {
  readonly sidecar: ServeProcess;
  /** Everything that the innocent client has seen so far. */
  readonly samples: readonly Sample[];
  /** MiB of physical memory that the sidecar has now. */
  rss(): number;
  /** Seconds of processor time that it has used. */
  cpu(): number;
  close(): Promise<void>;
}

/** Builds the sidecar into a new folder, and returns that. */
export function buildSidecar(): string {
  const folder = mkdtempSync(join(tmpdir(), 'attacked-'));
  const args = [join(ROOT, 'scripts/build.mjs'), join(folder, 'dist')];
  const run = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${run.stdout}${run.stderr}`);
  return folder;
}

/** Options of Node that the image starts it with. */
const AS_IN_THE_IMAGE = '--max-semi-space-size=16';

/** Starts `node …` as the image does. */
const likeTheImage = ['sh', '-c', `node=$1; shift; exec "$node" ${AS_IN_THE_IMAGE} "$@"`, 'sh'] as const;

/**
 * Has the processor wait for a program's main thread, and not the thread for what else runs on the machine, the
 * attackers first of all: their hunger is not what is to be measured. Not for its other threads, which compile and collect
 * garbage: among equals with real-time priority one runs for 100 ms before the next. Linux with the right to do so; elsewhere
 * it runs as anybody else.
 */
function prefer(child: ChildProcess): void {
  spawnSync('chrt', ['--rr', '--pid', '1', String(child.pid)], { stdio: 'ignore' });
}
/** What attackers are started through. */
export const asAttacker = ['nice', '-n', '10'] as const;

/** Starts a program of this folder. */
export function startProgram(name: string, args: readonly string[], prefix: readonly string[] = []): ChildProcess {
  return startChild([...prefix, process.execPath, join(import.meta.dirname, name), ...args]);
}

/** Starts an attacker. */
export function startCommand(words: readonly string[]): ChildProcess {
  return startChild([...asAttacker, ...words]);
}

function startChild([command, ...args]: readonly string[]): ChildProcess {
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
  return child;
}

export async function startVictim(compiled: string, through: readonly string[] = []): Promise<Victim> {
  const homeserver = startProgram('homeserver.ts', []);
  const [port] = (await once(homeserver.stdout!, 'data')) as [Buffer];
  const sidecar = await startServe(
    `servers:
  - { server_name: ${NAME}, homeserver: "http://127.0.0.1:${Number(port)}", delegate_to: "hs.${NAME}:443" }
  - { server_name: localhost, homeserver: "http://127.0.0.1:${Number(port)}", delegate_to: "localhost:443" }`,
    undefined,
    { through: [...through, ...likeTheImage], main: join(compiled, 'dist/main.js') },
  );
  prefer(sidecar.child);
  const innocent = startProgram('innocent.ts', [String(sidecar.https), NAME]);
  prefer(innocent);
  const samples: Sample[] = [];
  let rest = '';
  innocent.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const [at, kind, what] = line.split(' ') as [string, Sample['kind'], string];
      const failed = Number.isNaN(Number(what));
      samples.push({ at: Number(at), kind, ms: failed ? undefined : Number(what), failure: failed ? what : undefined });
    }
  });
  const stat = (file: string): string => readFileSync(`/proc/${sidecar.child.pid}/${file}`, 'utf8');
  return {
    sidecar,
    samples,
    rss: () => Number(/^VmRSS:\s+(\d+)/m.exec(stat('status'))![1]) / 1024,
    cpu() {
      const fields = stat('stat')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async close() {
      innocent.kill('SIGKILL');
      homeserver.kill('SIGKILL');
      await sidecar.close();
    },
  };
}

export function forget(compiled: string): void {
  rmSync(compiled, { recursive: true, force: true });
}
