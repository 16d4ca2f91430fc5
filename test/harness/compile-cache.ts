import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/**
 * Before all tests: a folder for compiled code. Tests start the program a hundred times, and a process that finds its
 * code compiled needs half of the processor's time. Vitest calls what comes back after all tests.
 */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return async () => {};
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-compiled-'));
  process.env['NODE_COMPILE_CACHE'] = folder;
  // Only a process that ends by itself leaves its code, and most that tests start are killed. Nobody waits for it.
  const first = spawn(process.execPath, [MAIN, '--version'], { stdio: 'ignore' });
  const ended = once(first, 'close');
  return async () => {
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
}
