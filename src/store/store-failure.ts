import { describeError, errorCode, SidecarError } from '../base/errors.ts';
import { adviseOwner, describeDenial } from '../base/own-user.ts';

/** What was being done when a file system or a database said no. */
export type StoreAction = 'read' | 'write' | 'remove' | 'list' | 'lock';

/**
 * Puts a file system's error into words for the person who runs the sidecar. `folder` is the store, `path` the file
 * or folder that the call was about.
 */
export function explainStoreFailure(error: unknown, action: StoreAction, folder: string, path: string): SidecarError {
  const code = errorCode(error);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new SidecarError(`The store cannot ${action} ${path}: ${describeDenial()}.`, {
        code: 'store-forbidden',
        blame: 'operator',
        hint: `${adviseOwner(folder, true)}, or set another store.`,
        cause: error,
      });
    case 'EROFS':
      return new SidecarError(`The store cannot ${action} ${path}: the file system is read-only.`, {
        code: 'store-forbidden',
        blame: 'operator',
        hint: `Mount ${folder} writable (in compose.yaml: a volume without :ro), or set another store. After disk errors a system mounts its disks read-only by itself: see "dmesg".`,
        cause: error,
      });
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
    case 'ELOOP':
      return new SidecarError(
        `The store cannot ${action} ${path}: a file is where a folder should be, or a folder where a file should be.`,
        {
          code: 'store-not-a-folder',
          blame: 'operator',
          hint: `The store must be a folder that is the sidecar's own: look at ${folder}, move away what is not its own, or set another store.`,
          cause: error,
        },
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new SidecarError(
        `The store cannot ${action} ${path}: ${code === 'ENOSPC' ? 'the disk is full' : 'the disk quota is used up'}.`,
        {
          code: 'store-full',
          blame: 'operator',
          hint: `Free some space where ${folder} is. What was stored before is unharmed.`,
          cause: error,
        },
      );
    default:
      return new SidecarError(`The store cannot ${action} ${path}: ${describeError(error)}.`, {
        code: 'store-failed',
        blame: 'operator',
        hint: `Check that ${folder} is on a working file system and set another store if it is not.`,
        cause: error,
      });
  }
}
