import { execFile, spawn } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';
const PASSWORD = 'a-Pass@word/with%signs';

/** A PostgreSQL server of the test's own, on a free port of 127.0.0.1, with an empty database. */
export interface PostgresServer {
  readonly port: number;
  /** As the superuser `sidecar`; `database` is `certificates`, which exists, unless another is named. */
  url(change?: { port?: number; user?: string; password?: string; database?: string }): string;
  /** Some statements as the superuser. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** Ends it: `fast` cuts the sessions, `smart` waits until they are over, `immediate` is a crash. */
  stop(how?: 'fast' | 'smart' | 'immediate'): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

/** The programs of PostgreSQL: on PATH, or where Debian's package `postgresql` puts them; the newest. */
function findPrograms(): Programs | undefined {
  const versions = (() => {
    try {
      return readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    } catch {
      return [];
    }
  })();
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.map((one) => join(DEBIAN, one, 'bin'))];
  const folder = folders.find((one) => isProgram(join(one, 'initdb')) && isProgram(join(one, 'postgres')));
  return folder === undefined ? undefined : { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why no server can be started here, or undefined when one can. */
export function whyNoPostgres(): string | undefined {
  if (findPrograms() !== undefined) return undefined;
  return `PostgreSQL is not here: no initdb and postgres on PATH or in ${DEBIAN} (Debian: apt-get install postgresql)`;
}

/** PostgreSQL refuses to run as root: an account of its own, or the one that owns nothing. */
async function findAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = async (option: string): Promise<number> => Number((await run('id', [option, name])).stdout);
      return { uid: await id('-u'), gid: await id('-g') };
    } catch {
      // No such account: the next one.
    }
  }
  throw new Error('PostgreSQL refuses to run as root, and there is no account postgres or nobody');
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Makes a cluster in a temporary folder and starts it; a few seconds. */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = findPrograms();
  if (programs === undefined) throw new Error(whyNoPostgres());
  const account = await findAccount();
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-postgres-'));
  const data = join(folder, 'data');
  const log = join(folder, 'log');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD);
  writeFileSync(log, '');
  if (account !== undefined) for (const path of [folder, passwordFile]) chownSync(path, account.uid, account.gid);
  const initdb = ['-D', data, '-U', 'sidecar', '--pwfile', passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8'];
  await run(programs.initdb, [...initdb, '--locale=C', '--no-sync'], { cwd: folder, ...account });
  const port = await findFreePort();
  let ended: Promise<void> | undefined;
  let pid: number | undefined;

  const url: PostgresServer['url'] = (change = {}) => {
    const { user = 'sidecar', password = PASSWORD, database = 'certificates' } = change;
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${change.port ?? port}/${database}`;
  };

  async function sql(text: string, database?: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url(database === undefined ? {} : { database }) });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async function start(): Promise<void> {
    const options = {
      listen_addresses: '127.0.0.1',
      port,
      fsync: 'off',
      unix_socket_directories: '',
      log_min_messages: 'info',
    };
    const settings = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(programs!.postgres, ['-D', data, ...settings], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...account,
    });
    child.stderr.on('data', (chunk: Buffer) => writeFileSync(log, chunk, { flag: 'a' }));
    pid = child.pid;
    let running = true;
    ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    void ended.then(() => {
      running = false;
    });
    for (let attempt = 0; running && attempt < 300; attempt += 1) {
      if (await sql('SELECT 1', 'postgres').catch(() => undefined)) return;
      await sleep(50);
    }
    throw new Error(`PostgreSQL did not come up:\n${readFileSync(log, 'utf8')}`);
  }

  async function stop(how: 'fast' | 'smart' | 'immediate' = 'fast'): Promise<void> {
    // The signals' meanings are PostgreSQL's own: smart, fast and immediate shutdown.
    if (pid !== undefined)
      process.kill(pid, ({ smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const)[how]);
    pid = undefined;
    await ended;
  }

  async function close(): Promise<void> {
    await stop().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await start();
    await sql('CREATE DATABASE certificates', 'postgres');
  } catch (error) {
    await close();
    throw error;
  }
  return { port, url, sql, stop, start, close };
}
