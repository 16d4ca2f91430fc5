import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** What a project is made of. */
export interface ComposeSetup {
  /** From the root of the repository. */
  readonly files: readonly string[];
  /** The image that it builds. */
  readonly image: string;
}

/** The compose project of the README, with ports and an image of its own. */
export const README_SETUP: ComposeSetup = {
  files: ['compose.yaml', 'test/containers/compose.override.yaml'],
  image: 'matrix-sidecar-under-test',
};

/** A compose project under a name of its own. */
export interface ComposeProject {
  /** Runs `docker compose ARGS` in the project; resolves with its standard output. */
  compose(...args: string[]): Promise<string>;
  /** The id of a service's container, running or not. */
  containerOf(service: string): Promise<string>;
  /** One field of a container, by a Go template. */
  inspect(container: string, template: string): Promise<string>;
  /** Runs a JavaScript expression with a sidecar container's own Node; resolves with what it prints. */
  evaluate(expression: string, service?: string): Promise<string>;
  /** What of the project the engine has: containers, volumes and networks, by name. */
  remains(): Promise<string[]>;
  /** The state of its containers, and what each of them logged last. */
  describe(): Promise<string>;
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

export function createComposeProject(
  name: string,
  setup: ComposeSetup,
  variables: Readonly<Record<string, string>>,
): ComposeProject {
  const env = { ...process.env, ...variables };
  const docker = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('docker', args, { cwd: ROOT, env, timeout: 560_000, maxBuffer: 64 * 1024 ** 2 });
    return stdout.trim();
  };
  const files = setup.files.flatMap((file) => ['--file', join(ROOT, file)]);
  const compose = (...args: string[]): Promise<string> => docker('compose', '--project-name', name, ...files, ...args);
  const list = async (...words: string[]): Promise<string[]> => {
    const listed = await docker(...words, '--filter', `label=com.docker.compose.project=${name}`);
    return listed.split('\n').filter((line) => line !== '');
  };
  return {
    compose,
    containerOf: (service) => compose('ps', '--all', '--quiet', service),
    inspect: (container, template) => docker('inspect', '--format', template, container),
    evaluate: (expression, service = 'sidecar') => compose('exec', '--no-TTY', service, 'node', '-p', expression),
    remains: async () => [
      ...(await list('ps', '--all', '--format', '{{.Names}}')),
      ...(await list('volume', 'ls', '--format', '{{.Name}}')),
      ...(await list('network', 'ls', '--format', '{{.Name}}')),
    ],
    async describe() {
      const parts = [compose('ps', '--all'), compose('logs', '--no-color', '--tail', '25')];
      return (await Promise.all(parts.map((part) => part.catch(String)))).join('\n\n');
    },
    async close() {
      await compose('down', '--volumes', '--timeout', '5');
      await docker('image', 'rm', '--force', setup.image);
    },
  };
}
