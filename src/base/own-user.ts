/** The number of the user whose rights this process has; undefined where users have none (Windows). */
export function readOwnUid(): number | undefined {
  return process.geteuid?.();
}

/** Who was refused, as the end of a sentence: `permission denied to uid 10001, as which the sidecar runs`. */
export function describeDenial(uid = readOwnUid()): string {
  return uid === undefined ? 'permission denied' : `permission denied to uid ${uid}, as which the sidecar runs`;
}

/**
 * What to do so that `path` belongs to the user of this process, as the beginning of a sentence. The number is all that
 * counts: in a container there is often no name for it, and outside of it the same number has another one.
 */
export function adviseOwner(path: string, recursive: boolean, uid = readOwnUid()): string {
  if (uid === undefined) return `Give the user that runs the sidecar the right to ${path}`;
  const command = `chown ${recursive ? '-R ' : ''}${uid} ${path}`;
  return `Run "${command}" as root (where it is mounted into a container: on the host; the image runs as uid 10001)`;
}
