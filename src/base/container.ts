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

/** Pure: whether a mount other than the root holds `folder` (proc(5), mountinfo: the fifth field is the mount point). */
export function isOnVolume(folder: string, mountinfo: string | undefined): boolean | undefined {
  if (mountinfo === undefined) return undefined;
  const points = mountinfo.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  // Spaces in a mount point are written in octal.
  const plain = points.map((point) =>
    point.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
  );
  return plain.some((point) => point !== '/' && (folder === point || folder.startsWith(`${point}/`)));
}
