import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { describeError, errorCode } from '../base/errors.ts';
import { tooLarge, unreadableSource } from './import-error.ts';
import { matchesWildcard } from './wildcard.ts';

/** The files of an existing set-up, all of them together bounded. */
export interface SourceFiles {
  /**
   * The text of a file; undefined where there is none. Each is read from the disk once. Throws a SidecarError for what
   * cannot be read, and when all files together are too many or too large.
   */
  read(path: string): string | undefined;
  kindOf(path: string): 'file' | 'folder' | undefined;
  /** Absolute paths that match, sorted; `*`, `?` and `[...]` stand for anything but a slash. Empty where there are none. */
  glob(pattern: string): readonly string[];
  /** The path as people know it: relative to the working directory where it is below that. */
  show(path: string): string;
}

/** All files together. */
const MOST_BYTES = 10 * 1024 * 1024;
const MOST_FILES = 2000;
/** A folder of nginx has hundreds. */
const MOST_ENTRIES = 10_000;

/** Reads from the disk. `cwd` is where relative paths start. */
export function createSourceFiles(cwd: string): SourceFiles {
  const texts = new Map<string, string | undefined>();
  let bytes = 0;

  function list(folder: string): readonly string[] {
    try {
      return readdirSync(folder).slice(0, MOST_ENTRIES).sort();
    } catch {
      // What cannot be listed matches nothing, as for nginx and Caddy.
      return [];
    }
  }

  function kindOf(path: string): 'file' | 'folder' | undefined {
    try {
      return statSync(path).isDirectory() ? 'folder' : 'file';
    } catch {
      return undefined;
    }
  }

  return {
    kindOf,
    read(path) {
      if (texts.has(path)) return texts.get(path);
      const content = readBytes(path, MOST_BYTES - bytes);
      if (content !== undefined) bytes += content.length;
      if (bytes > MOST_BYTES) throw tooLarge(`The files together are larger than ${MOST_BYTES / 1024 ** 2} MiB`);
      if (texts.size >= MOST_FILES) throw tooLarge(`There are more than ${MOST_FILES} files`);
      const text = content?.toString('utf8').replace(/^\uFEFF/, '');
      texts.set(path, text);
      return text;
    },
    glob(pattern) {
      let found = ['/'];
      for (const segment of resolve(cwd, pattern).split('/').slice(1)) {
        const wild = /[*?[]/.test(segment);
        found = found.flatMap((folder) => {
          if (!wild) return [join(folder, segment)];
          const names = list(folder).filter((name) => !name.startsWith('.') || segment.startsWith('.'));
          return names.filter((name) => matchesWildcard(segment, name)).map((name) => join(folder, name));
        });
        if (found.length > MOST_ENTRIES) throw tooLarge(`${pattern} matches more than ${MOST_ENTRIES} files`);
      }
      return found.filter((path) => kindOf(path) !== undefined);
    },
    show(path) {
      const near = relative(cwd, path);
      return near.startsWith('..') || isAbsolute(near) || near === '' ? path : near;
    },
  };
}

/** At most `most` + 1 bytes, so that an endless device ends as well; undefined where there is no such file. */
function readBytes(path: string, most: number): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    if (fstatSync(descriptor).isDirectory()) return undefined;
    const pieces: Buffer[] = [];
    for (let length = 0; length <= most; ) {
      const piece = Buffer.allocUnsafe(Math.min(65_536, most + 1 - length));
      const count = readSync(descriptor, piece, 0, piece.length, null);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
      length += count;
    }
    return Buffer.concat(pieces);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : describeError(cause);
    throw unreadableSource(`${path} cannot be read: ${why}`, 'Run this command as a user that may read it.', cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
