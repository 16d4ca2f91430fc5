import { bad, good, type Parsed } from '../base/parsed.ts';
import type { StoreConfig } from './config.ts';
import { readPath } from './values.ts';

/** Reads a folder or a postgres:// URL. The URL may hold a password, so no sentence here repeats it. */
export function parseStoreAddress(text: string): Parsed<StoreConfig> {
  if (/^postgres(ql)?:/i.test(text)) {
    if (!/^postgres(ql)?:\/\//i.test(text) || !URL.canParse(text)) {
      return bad(
        'is no PostgreSQL address (special characters in the password are written %xx); write postgres://user:password@host:5432/database',
      );
    }
    return good({ kind: 'postgres', url: text });
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme !== undefined) {
    return bad(`${scheme}:// is no kind of store; write a folder, or postgres://user:password@host:5432/database`);
  }
  const folder = readPath(text);
  return folder.ok ? good({ kind: 'files', folder: folder.value }) : folder;
}
