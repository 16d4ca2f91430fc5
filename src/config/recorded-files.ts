import { errorCode } from '../base/errors.ts';
import type { ReadFile } from './secret-file.ts';

/**
 * A file as it was when the configuration was read, by its path: its bytes in base64, or the system's code of what stood in the
 * way. Secrets can be among them.
 */
export interface RecordedFile {
  readonly path: string;
  readonly bytes?: string;
  readonly code?: string;
}

/** Reads as `readFile` does, and notes what it read. */
export function recordFiles(readFile: ReadFile): { readonly readFile: ReadFile; readonly files: RecordedFile[] } {
  const files: RecordedFile[] = [];
  return {
    files,
    readFile(path, limit) {
      try {
        const bytes = readFile(path, limit);
        files.push({ path, bytes: Buffer.from(bytes).toString('base64') });
        return bytes;
      } catch (error) {
        files.push({ path, code: errorCode(error) ?? 'unknown error' });
        throw error;
      }
    },
  };
}

/** Reads what was noted, and what was not noted as it is now: a newer release may look at more files. */
export function replayFiles(files: readonly RecordedFile[], readFile: ReadFile): ReadFile {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return (path, limit) => {
    const recorded = byPath.get(path);
    if (recorded === undefined) return readFile(path, limit);
    if (recorded.bytes !== undefined) return Buffer.from(recorded.bytes, 'base64');
    throw Object.assign(new Error(`${path} could not be read.`), { code: recorded.code });
  };
}
