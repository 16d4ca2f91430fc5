import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type WorkersFiles, writeWorkersFiles } from './workers-files.ts';

const run = promisify(execFile);
const IMAGE = process.env['SYNAPSE_WORKERS_IMAGE'] ?? process.env['SYNAPSE_IMAGE'] ?? 'matrixdotorg/synapse:latest';
/** All processes together, on a machine with few cores. */
const PATIENCE = 180_000;

/** A request that a process of Synapse's says it has answered. */
export interface Processed {
  readonly method: string;
  readonly target: string;
  readonly status: number;
}

/** A main process and its workers, by name; the main process is `main`. */
export interface SynapseWithWorkers {
  /** What clients and servers have asked of it, by its own log; health checks apart. */
  processed(name: string): Promise<readonly Processed[]>;
  log(name: string, lines: number): Promise<string>;
  /** SIGKILL, and it is gone. */
  kill(name: string): Promise<void>;
  /** Brings back what was killed; resolves when it answers. */
  start(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Why no process of the image can be a worker; `synapse.ts` says whether there is an image at all. */
export async function whyNoWorkers(): Promise<string | undefined> {
  if (IMAGE === 'none') return "Workers cannot run: no image of Synapse that has Python's hiredis and txredisapi";
  const ask = 'import hiredis, txredisapi; print("yes")';
  const command = ['run', '--rm', '--network', 'none', '--entrypoint', 'python3', IMAGE, '-c', ask];
  // By what it says: not every engine hands on the exit status of a container that is removed at once.
  const said = await run('docker', command, { timeout: 60_000 }).catch(() => undefined);
  return said?.stdout.trim() === 'yes'
    ? undefined
    : `Workers cannot run: ${IMAGE} lacks Python's hiredis or txredisapi (\`.ci/workers-image\` makes an image that has them, for SYNAPSE_WORKERS_IMAGE)`;
}

/** Writes all files and starts all processes; on any failure what did start is stopped again. */
export async function startSynapseWithWorkers(
  files: WorkersFiles,
  hosts: Readonly<Record<string, string>>,
): Promise<SynapseWithWorkers> {
  writeWorkersFiles(files);
  const [uid, gid] = [String(process.getuid?.() ?? 0), String(process.getgid?.() ?? 0)];
  const common = ['--network', 'host', '--user', `${uid}:${gid}`, '--env', `UID=${uid}`, '--env', `GID=${gid}`];
  common.push('--volume', `${files.folder}:/data`);
  for (const [name, address] of Object.entries(hosts)) common.push('--add-host', `${name}:${address}`);
  const places = new Map<string, number | string>([['main', files.main.port]]);
  for (const { name, at } of files.workers) places.set(name, at);
  const ids = new Map<string, string>();

  async function create(name: string): Promise<void> {
    const own = name === 'main' ? [] : [`--config-path=/data/${name}.yaml`];
    const app = files.workers.find((worker) => worker.name === name)?.resources;
    const worker =
      app === undefined
        ? []
        : ['--env', `SYNAPSE_WORKER=synapse.app.${app === 'media' ? 'media_repository' : 'generic_worker'}`];
    const paths = ['--config-path=/data/homeserver.yaml', '--config-path=/data/shared.yaml', ...own];
    const command = ['run', '--detach', '--no-healthcheck', ...common, ...worker, IMAGE, 'run', ...paths];
    ids.set(name, (await run('docker', command, { timeout: 120_000 })).stdout.trim());
  }

  async function log(name: string, lines: number): Promise<string> {
    const command = ['logs', ...(lines === 0 ? [] : ['--tail', String(lines)]), ids.get(name)!];
    const { stdout, stderr } = await run('docker', command, { maxBuffer: 256 * 1024 ** 2 });
    return stdout + stderr;
  }

  async function waitUntilHealthy(name: string): Promise<void> {
    const at = places.get(name)!;
    const until = Date.now() + PATIENCE;
    while (Date.now() < until) {
      if (await isHealthy(typeof at === 'number' ? at : join(files.folder, at))) return;
      const { stdout } = await run('docker', ['inspect', '--format', '{{.State.Running}}', ids.get(name)!]);
      if (stdout.trim() === 'false') break;
      await sleep(250);
    }
    throw new Error(`${name} did not come up within ${PATIENCE / 1000} s:\n${await log(name, 40)}`);
  }

  const close = async (): Promise<void> => {
    await Promise.all(
      [...ids.values()].map((id) => run('docker', ['rm', '--force', '--volumes', id]).catch(() => undefined)),
    );
  };
  try {
    // The main process makes the tables, which workers only look for.
    await create('main');
    await waitUntilHealthy('main');
    for (const { name } of files.workers) await create(name);
    for (const { name } of files.workers) await waitUntilHealthy(name);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    processed: async (name) => readProcessed(await log(name, 0)),
    log,
    async kill(name) {
      await run('docker', ['kill', '--signal', 'KILL', ids.get(name)!]);
    },
    async start(name) {
      const at = places.get(name);
      // What is left of a socket after a kill names process 1 as its owner, which is there again in a new container.
      if (typeof at === 'string')
        for (const end of ['', '.lock']) rmSync(join(files.folder, at + end), { force: true });
      await run('docker', ['start', ids.get(name)!]);
      await waitUntilHealthy(name);
    },
    close,
  };
}

/** Of the lines by synapse/http/site.py, "Processed request". */
export function readProcessed(log: string): readonly Processed[] {
  return [...log.matchAll(/Processed request: .*? (\d{3})!? "([A-Z]+) (\S+) HTTP\//g)]
    .map(([, status, method, target]) => ({ status: Number(status), method: method!, target: target! }))
    .filter(({ target }) => target !== '/health' && !target.startsWith('/_synapse/replication/'));
}

function isHealthy(at: number | string): Promise<boolean> {
  const place = typeof at === 'number' ? { host: '127.0.0.1', port: at } : { socketPath: at };
  return new Promise((resolve) => {
    const asked = request({ ...place, path: '/health', agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
