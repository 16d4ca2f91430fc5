import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from './until.ts';

/** A file system of its own, small, that fills up and can be made read-only. */
export interface SmallDisk {
  /** Where it is for processes that are started `through` it; everywhere else that folder is empty. */
  readonly folder: string;
  /** The program and its arguments that start another one where the disk is. */
  readonly through: readonly string[];
  /** The same folder as this process can reach it. */
  readonly here: string;
  /** Leaves so many KiB, in steps of 4: none by default. */
  fill(left?: number): void;
  /** Undoes `fill`. */
  makeRoom(): void;
  remount(mode: 'ro' | 'rw'): Promise<void>;
  close(): Promise<void>;
}

const isRoot = process.geteuid?.() === 0;
/** A stranger becomes root in a user namespace of their own, where the system lets them. */
const UNSHARE = ['unshare', ...(isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'])];

/** Why no file system can be mounted here; undefined where one can. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return 'a small file system can be mounted on Linux only';
  const [program, ...more] = [...UNSHARE, 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/tmp'];
  const tried = spawnSync(program!, more, { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  const words = tried.error?.message ?? tried.stderr.trim();
  return `this user may not mount a file system, nor make a user namespace to do it in (${words})`;
}

/**
 * Mounts a tmpfs of so many KiB at `folder`, in a mount namespace of its own: nothing of it is left when its holder
 * ends, however that comes about.
 */
export async function mountSmallDisk(folder: string, kibibytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  const script = `mount -t tmpfs -o size=${kibibytes}k,mode=0700 tmpfs "$0" && echo mounted && exec cat`;
  const [program, ...more] = [...UNSHARE, 'sh', '-c', script, folder];
  const holder = spawn(program!, more, { stdio: ['pipe', 'pipe', 'inherit'] });
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(() => Promise.reject(new Error('no mount'))),
  ]);
  const enter = ['nsenter', '--target', String(holder.pid), '--mount'];
  const through = isRoot ? enter : [...enter, '--user', '--preserve-credentials'];
  const here = join(`/proc/${holder.pid}/root`, folder);
  const filler = join(here, '.filler');
  return {
    folder,
    through,
    here,
    fill: (left = 0) => fillWith(filler, left),
    makeRoom: () => rmSync(filler, { force: true }),
    async remount(mode) {
      // The mount, not the file system: that cannot be changed from within a user namespace.
      const [nsenter, ...rest] = [...through, 'mount', '-o', `remount,bind,${mode}`, folder];
      // Refused while a file is just being written.
      for (let tries = 0; spawnSync(nsenter!, rest).status !== 0; tries++) {
        if (tries === 100) throw new Error(`${folder} cannot be remounted ${mode}`);
        await pause(20);
      }
    },
    close: () => end(holder),
  };
}

function fillWith(path: string, left: number): void {
  const file = openSync(path, 'a', 0o600);
  const page = Buffer.alloc(4096);
  try {
    let size = 0;
    for (let written = page.length; written === page.length; size += written) written = writeOrNothing(file, page);
    ftruncateSync(file, size - left * 1024);
  } finally {
    closeSync(file);
  }
}

function writeOrNothing(file: number, bytes: Buffer): number {
  try {
    return writeSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return 0;
    throw error;
  }
}

async function end(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
}
