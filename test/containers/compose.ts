import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
/** As the override file names it. */
const IMAGE = 'matrix-sidecar-under-test';
const OVERRIDE = join(import.meta.dirname, 'compose.override.yaml');

/** The compose project of the README, with ports of its own and a name of its own. */
export interface ComposeProject {
  /** Runs `docker compose ARGS` in the project; resolves with its standard output. */
  compose(...args: string[]): Promise<string>;
  /** The id of a service's container, running or not. */
  containerOf(service: string): Promise<string>;
  /** One field of a container, by a Go template. */
  inspect(container: string, template: string): Promise<string>;
  /** Runs a JavaScript expression with the sidecar container's own Node; resolves with what it prints. */
  evaluate(expression: string): Promise<string>;
  /** Removes containers, networks, volumes and the image. */
  close(): Promise<void>;
}

/** Why there is no docker compose here, or undefined when there is. */
export async function whyNoCompose(): Promise<string | undefined> {
  try {
    await run('docker', ['compose', 'version'], { timeout: 20_000 });
    await run('docker', ['info'], { timeout: 20_000 });
    return undefined;
  } catch {
    return 'docker compose is not here, or its engine does not answer';
  }
}

export function createComposeProject(name: string, variables: Readonly<Record<string, string>>): ComposeProject {
  const env = { ...process.env, ...variables };
  const docker = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('docker', args, { cwd: ROOT, env, timeout: 560_000, maxBuffer: 64 * 1024 ** 2 });
    return stdout.trim();
  };
  const compose = (...args: string[]): Promise<string> =>
    docker('compose', '--project-name', name, '--file', join(ROOT, 'compose.yaml'), '--file', OVERRIDE, ...args);
  return {
    compose,
    containerOf: (service) => compose('ps', '--all', '--quiet', service),
    inspect: (container, template) => docker('inspect', '--format', template, container),
    evaluate: (expression) => compose('exec', '--no-TTY', 'sidecar', 'node', '-p', expression),
    async close() {
      await compose('down', '--volumes', '--timeout', '5');
      await docker('image', 'rm', '--force', IMAGE);
    },
  };
}
