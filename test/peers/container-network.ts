import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Containers of one test in a network of their own, where they find each other by name. */
export interface ContainerNetwork {
  /** An address of this network, by its last number; 1 is the engine's own. */
  address(host: number): string;
  /** Starts a container; resolves when it runs, which says nothing about the program in it. */
  start(container: Container): Promise<void>;
  /** SIGTERM, and SIGKILL after ten seconds. */
  stop(name: string): Promise<void>;
  kill(name: string): Promise<void>;
  /** Starts one again that was stopped, at its address. */
  startAgain(name: string): Promise<void>;
  /** Its files go with it. */
  remove(name: string): Promise<void>;
  /** Runs a command in a container that runs; what it printed. */
  run(name: string, command: readonly string[]): Promise<string>;
  /** The last lines that it logged. */
  log(name: string, lines: number): Promise<string>;
  /** Removes all of it. */
  close(): Promise<void>;
}

export interface Container {
  /** By this name the others find it, and only while it runs. */
  readonly name: string;
  readonly image: string;
  readonly address: string;
  readonly command: readonly string[];
  /** More options of `docker run`. */
  readonly options: readonly string[];
}

async function docker(...words: string[]): Promise<string> {
  const { stdout, stderr } = await run('docker', words, { timeout: 120_000, maxBuffer: 64 * 1024 ** 2 });
  return stdout + stderr;
}

/** Makes a network that no other has, on the container engine behind the `docker` command. */
export async function createContainerNetwork(prefix: string): Promise<ContainerNetwork> {
  const own = `${prefix}-${process.pid}`;
  const subnet = await createNetwork(own);
  const started = new Set<string>();
  const called = (name: string): string => `${own}-${name}`;
  const remove = async (name: string): Promise<void> => {
    await docker('rm', '--force', '--volumes', called(name));
    started.delete(name);
  };
  return {
    address: (host) => `${subnet}.${host}`,
    async start({ name, image, address, command, options }) {
      const place = ['--network', own, '--network-alias', name, '--ip', address];
      started.add(name);
      await docker(
        'run',
        '--detach',
        '--name',
        called(name),
        '--no-healthcheck',
        ...place,
        ...options,
        image,
        ...command,
      );
    },
    stop: async (name) => void (await docker('stop', '--time', '10', called(name))),
    kill: async (name) => void (await docker('kill', '--signal', 'KILL', called(name))),
    startAgain: async (name) => void (await docker('start', called(name))),
    remove,
    run: (name, command) => docker('exec', called(name), ...command),
    log: (name, lines) => docker('logs', '--tail', String(lines), called(name)),
    async close() {
      await Promise.all([...started].map((name) => remove(name).catch(() => undefined)));
      await docker('network', 'rm', own).catch(() => undefined);
    },
  };
}

/** Networks may not overlap: another is taken where somebody has this one. */
async function createNetwork(name: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const subnet = `10.${randomInt(200, 250)}.${randomInt(1, 255)}`;
    try {
      await docker('network', 'create', '--subnet', `${subnet}.0/24`, name);
      return subnet;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}
