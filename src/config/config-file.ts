import { errorCode } from '../base/errors.ts';
import type { ConfigProblem } from './config.ts';
import type { ReadFile } from './secret-file.ts';

/** A configuration of a thousand servers takes a third of this. */
export const LARGEST_CONFIG = 1_048_576;

export type FileReading =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'problem'; readonly problem: ConfigProblem };

/** Reads the text of a configuration file. `shown` is its name in problems, `path` where it is. Never throws. */
export function readConfigFile(path: string, shown: string, readFile: ReadFile): FileReading {
  const refuse = (what: string, fix: string): FileReading => {
    return { kind: 'problem', problem: { file: shown, line: undefined, column: undefined, key: '', what, fix } };
  };
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, LARGEST_CONFIG);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    if (code === 'EISDIR') {
      const why =
        'Give the path of the file in it; a container engine makes a folder where the file to mount is missing';
      return refuse('is a folder, not a file', why);
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return refuse('may not be read by this user', 'Change its owner or mode, for example chmod a+r');
    }
    return refuse(`cannot be read (${code ?? 'unknown error'})`, 'Check the disk and the path');
  }
  if (bytes.length > LARGEST_CONFIG) {
    return refuse('is larger than 1 MiB', 'Check that this is the right file: a configuration is far smaller');
  }
  return decode(bytes, refuse);
}

function decode(bytes: Uint8Array, refuse: (what: string, fix: string) => FileReading): FileReading {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('is not UTF-8 text', 'Save it as UTF-8 in your editor');
  }
  if (text.includes('\0')) return refuse('holds zero bytes, so it is no text file', 'Save it as UTF-8 in your editor');
  if (isBlank(text)) {
    const fix = 'Write servers: with a server_name and a homeserver, or copy config/sidecar.sample.yaml';
    return refuse('is empty', fix);
  }
  return { kind: 'text', text };
}

/** Nothing but white space and comments. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(#.*)?$/.test(line));
}
