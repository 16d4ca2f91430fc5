import { existsSync, readFileSync } from 'node:fs';

/** What can be told of the machine that a folder is on. */
export interface FolderPlace {
  /** Docker, Podman and Kubernetes leave these traces. */
  readonly inContainer: boolean;
  /** Something is mounted at the folder or above it, below the root; undefined where that cannot be told. */
  readonly onVolume: boolean | undefined;
}

const TRACES = ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io'];

/** Looks where a folder is. Linux only; elsewhere nothing is told. */
export function findFolderPlace(folder: string): FolderPlace {
  return { inContainer: TRACES.some((trace) => existsSync(trace)), onVolume: isOnVolume(folder, readMounts()) };
}

function readMounts(): string | undefined {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return undefined;
  }
}

/** File systems that are in memory: what is there is gone with the container, as compose's `tmpfs:` is. */
const IN_MEMORY: readonly string[] = ['tmpfs', 'ramfs'];

/**
 * Pure: whether `folder` is on a mount of its own that keeps what is written: other than the root and not in memory. Of
 * proc(5), mountinfo: the fifth field is the mount point, and the first after a lone dash the file system's type.
 */
export function isOnVolume(folder: string, mountinfo: string | undefined): boolean | undefined {
  if (mountinfo === undefined) return undefined;
  let [nearest, type] = ['', ''];
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ');
    // Spaces in a mount point are written in octal.
    const point = fields[4]?.replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if (point === undefined || (folder !== point && !folder.startsWith(point === '/' ? '/' : `${point}/`))) continue;
    // Of several at one place, the last one hides the others.
    if (point.length >= nearest.length) [nearest, type] = [point, fields[fields.indexOf('-', 5) + 1] ?? ''];
  }
  return nearest !== '/' && nearest !== '' && !IN_MEMORY.includes(type);
}
