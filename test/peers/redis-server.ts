import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Redis of the test's own, without a password, that keeps nothing. */
export interface RedisServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Why no Redis can be started here, or undefined when one can. */
export async function whyNoRedis(): Promise<string | undefined> {
  const found = await run('redis-server', ['--version']).catch(() => undefined);
  return found === undefined
    ? 'Redis is not here: no redis-server on PATH (Debian: apt-get install redis-server)'
    : undefined;
}

/** Starts it on this port of 127.0.0.1, and resolves when it takes connections. */
export async function startRedis(port: number): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const child = spawn('redis-server', settings, { cwd: folder, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
    if (await takesConnections(port)) return { port, close };
    await sleep(50);
  }
  await close();
  throw new Error(`Redis did not come up on port ${port}`);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
