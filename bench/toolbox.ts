import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { BenchError } from './bench-error.ts';

/** The programs that are measured or measure, and the Debian packages that have them. */
export const PACKAGES = { nginx: 'nginx', haproxy: 'haproxy', caddy: 'caddy', h2load: 'nghttp2-client' } as const;
export type ToolName = keyof typeof PACKAGES;

/** How to print a program's version, and what of that is the version. */
const VERSIONS: Readonly<Record<ToolName, readonly [string, RegExp]>> = {
  nginx: ['-v', /nginx\/([\d.]+)/],
  haproxy: ['-v', /version ([\d.]+)/],
  caddy: ['version', /^v?(\d+\.\d+\.\d+)/m],
  h2load: ['--version', /nghttp2\/([\d.]+)/],
};

/** Where programs come from: this machine's PATH, or a Debian in a folder of its own. */
export interface Toolbox {
  /** The other root folder; undefined for this machine's own. */
  readonly root: string | undefined;
  /** The command line that runs a program of the toolbox. Throws a BenchError with the package's name if it is missing. */
  command(tool: ToolName, args: readonly string[]): string[];
  has(tool: ToolName): boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The Debian in a folder whose programs are used instead of those on PATH: `$BENCH_CHROOT`; otherwise the one that
 * the peer tools, which `.ci/run` uses as well ($PEER_TOOLS, or beside the clone), have set up. It takes root to use one.
 */
export function findOtherRoot(env: Environment, project: string): string | undefined {
  const given = env['BENCH_CHROOT'];
  if (given !== undefined && given !== '') {
    if (!existsSync(given)) throw new BenchError(`BENCH_CHROOT names ${given}, which does not exist.`);
    return given;
  }
  const tools = env['PEER_TOOLS'] ?? join(project, '../shared/peers');
  if (!existsSync(join(tools, 'setup-peers')) || process.getuid?.() !== 0) return undefined;
  const cache = env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const root = join(env['PEERS'] ?? env['PEERS_DIR'] ?? join(cache, 'matrix-peers'), 'sid');
  const names = Object.keys(PACKAGES) as ToolName[];
  return names.every((name) => findIn(foldersOf(root), name) !== undefined) ? root : undefined;
}

/** Finds the programs when they are asked for. */
export function createToolbox(env: Environment, root: string | undefined): Toolbox {
  const folders = root === undefined ? [...(env['PATH'] ?? '').split(delimiter), ...SYSTEM] : foldersOf(root);
  const find = (tool: ToolName): string | undefined => findIn(folders, tool);
  return {
    root,
    has: (tool) => find(tool) !== undefined,
    command(tool, args) {
      const path = find(tool);
      if (path === undefined) {
        throw new BenchError(
          `No ${tool} ${root === undefined ? 'on PATH' : `in ${root}`}: apt-get install ${PACKAGES[tool]}`,
        );
      }
      if (root === undefined) return [path, ...args];
      // A /proc of its own that ends with the process: Go reads the length of the accept queue there.
      const enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
      return [
        'unshare',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        enter,
        root,
        path.slice(root.length),
        ...args,
      ];
    },
  };
}

/** The arguments that make a program say its version. */
export function versionArgs(tool: ToolName): readonly string[] {
  return [VERSIONS[tool][0]];
}

/** The version in what it said then, such as 1.30.6. */
export function readVersion(tool: ToolName, said: string): string {
  return VERSIONS[tool][1].exec(said)?.[1] ?? 'unknown';
}

const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/usr/bin'];

function foldersOf(root: string): string[] {
  return SYSTEM.map((folder) => join(root, folder));
}

function findIn(folders: readonly string[], name: string): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
