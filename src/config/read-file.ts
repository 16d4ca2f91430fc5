import { closeSync, openSync, readSync } from 'node:fs';
import type { ReadFile } from './secret-file.ts';

/**
 * Reads at most `limit` + 1 bytes, so that whoever asked can tell that a file is too large without holding all of it
 * (an endless device too). Throws the system's error.
 */
export const readFileUpTo: ReadFile = (path, limit) => {
  const descriptor = openSync(path, 'r');
  try {
    let buffer = Buffer.allocUnsafe(16_384);
    let length = 0;
    for (;;) {
      const most = Math.min(buffer.length, limit + 1);
      const count = readSync(descriptor, buffer, length, most - length, null);
      length += count;
      if (count === 0 || length > limit) return buffer.subarray(0, length);
      if (length === buffer.length) {
        const larger = Buffer.allocUnsafe(buffer.length * 4);
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
    }
  } finally {
    closeSync(descriptor);
  }
};
