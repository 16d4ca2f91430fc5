import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** A sidecar in a process of its own. */
export interface SidecarProcess {
  readonly folder: string;
  /** Everything that it logged so far. */
  log(): string;
  /** SIGTERM; resolves with the exit code. */
  close(): Promise<number | null>;
}

/**
 * Starts `serve --config` in FOLDER (made if need be) with this YAML, and resolves when its admin listener, ADMIN as
 * host:port, says that the process lives.
 */
export async function startSidecar(folder: string, yaml: string, admin: string): Promise<SidecarProcess> {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'sidecar.yaml');
  const logFile = join(folder, 'sidecar.log');
  writeFileSync(config, yaml);
  const output = openSync(logFile, 'w');
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], {
    cwd: folder,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  const log = (): string => readFileSync(logFile, 'utf8');
  const close = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return exited;
  };
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`http://${admin}/healthz`).catch(() => undefined);
    if (answer?.ok) return { folder, log, close };
    await sleep(50);
  }
  await close();
  throw new Error(`The sidecar in ${folder} did not come up:\n${log()}`);
}
