import { errorCode } from '../base/errors.ts';

/** Reads at most `limit` + 1 bytes of a file; throws what the system says. */
export type ReadFile = (path: string, limit: number) => Uint8Array;

/** The text of a file, or what is wrong with it, as the end of a sentence about the file. */
export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string; readonly fix: string };

// A value is a name, an address, a URL, a password; a file larger than this is the wrong file.
const LARGEST_VALUE = 65_536;

/** The text of a small file, without one line end after it: a password may begin or end with a space. */
export function readSecretFile(path: string, readFile: ReadFile): FileText {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, LARGEST_VALUE);
  } catch (error) {
    const code = errorCode(error) ?? 'unknown error';
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    return { ok: false, why, fix: 'Check the path, and that this user may read it' };
  }
  const fix = 'Write the value, and nothing else, into the file';
  if (bytes.length > LARGEST_VALUE) return { ok: false, why: 'is larger than 64 KiB', fix };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
    return text.trim() === '' ? { ok: false, why: 'is empty', fix } : { ok: true, text };
  } catch {
    return { ok: false, why: 'is not UTF-8 text', fix };
  }
}
