import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reachable } from './client.ts';
import { CA_FILE } from './sidecar.ts';
import { until } from './until.ts';

/** The program. */
export const MAIN = join(import.meta.dirname, '../../src/main.ts');

const cache = process.env['NODE_COMPILE_CACHE'];
/** Where it finds its code compiled. */
const COMPILED = cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The program in a process of its own, as an operator starts it. */
export interface TestProcess {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The log so far; lines that are no JSON are not among them. */
  readonly log: () => readonly Record<string, unknown>[];
  /** Resolves with the first log line with this sentence among those after the first `skip` lines. */
  logged(sentence: RegExp, skip?: number): Promise<Record<string, unknown>>;
  readonly exited: Promise<Exit>;
  /** Kills it if it still runs, and waits. */
  close(): Promise<void>;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** A program and its arguments that starts ours, such as setpriv. */
  readonly through?: readonly string[];
  /** Another main file than that of the sources. */
  readonly main?: string;
}

/** Runs `matrix-sidecar ARGS` from its sources. */
export function startProcess(args: readonly string[], options: ProcessOptions = {}): TestProcess {
  const [program, ...more] = [...(options.through ?? []), process.execPath, options.main ?? MAIN, ...args];
  const child = spawn(program!, more, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ...COMPILED, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // Nothing outlives the tests, also where they are interrupted.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  let exit: Exit | undefined;
  // `close`, not `exit`: by then everything that it wrote has been read.
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      exit = { code, signal };
      process.off('exit', end);
      resolve(exit);
    });
  });
  const log = (): Record<string, unknown>[] =>
    stdout.split('\n').flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : []));
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    log,
    async logged(sentence, skip = 0) {
      const find = () => log().find((line, index) => index >= skip && sentence.test(String(line['msg'])));
      await until(`${sentence} in the log`, () => find() !== undefined || exit !== undefined, 30_000).catch(
        (error: Error) => {
          throw new Error(`${error.message}\n${stdout}${stderr}`);
        },
      );
      const found = find();
      if (found === undefined) throw new Error(`It ended without ${sentence} in its log.\n${stdout}${stderr}`);
      return found;
    },
    exited,
    async close() {
      if (exit === undefined) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** `serve` in a process of its own. The ports serve as a TestSidecar for the clients of the harness. */
export interface ServeProcess extends TestProcess, Reachable {
  readonly folder: string;
  /** Replaces the configuration file. Nothing is read before SIGHUP. */
  write(yaml: string): Promise<void>;
}

const LOCAL = 'listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0" }';

/** Starts `serve --config` with this YAML (`listen`, `store` and `certificates` are added if missing) and waits. */
export async function startServe(
  yaml: string,
  folder?: string,
  options: Pick<ProcessOptions, 'through' | 'main'> = {},
): Promise<ServeProcess> {
  const cwd = folder ?? (await mkdtemp(join(tmpdir(), 'serve-')));
  const file = join(cwd, 'sidecar.yaml');
  const write = (next: string): Promise<void> => writeFile(file, completeYaml(next));
  await write(yaml);
  const running = startProcess(['serve', '--config', file], { cwd, ...options });
  const close = async (): Promise<void> => {
    await running.close();
    if (folder === undefined) await rm(cwd, { recursive: true, force: true });
  };
  const ready = await running.logged(/^Ready/).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const { listeners } = ready as { listeners: Record<string, string[]> };
  const port = (name: string): number => Number(listeners[name]?.[0]?.split(':').at(-1) ?? 0);
  return {
    ...running,
    folder: cwd,
    write,
    ca: await readFile(join(cwd, 'certs', CA_FILE), 'utf8').catch(() => ''),
    https: port('https'),
    federation: port('federation'),
    http: port('http'),
    admin: port('admin'),
    close,
  };
}

/** The configuration with what most tests do not care about. */
export function completeYaml(yaml: string): string {
  const defaults = [
    ['listen:', LOCAL],
    ['store:', 'store: certs'],
    ['certificates:', 'certificates: local'],
  ] as const;
  const added = defaults.filter(([key]) => !new RegExp(`^${key}`, 'm').test(yaml)).map(([, line]) => line);
  return `${added.join('\n')}\n${yaml}`;
}
