import { createHash } from 'node:crypto';

/**
 * The segment of a store's key that one CA's values are under: the directory's host name, to be recognised, and eight hex
 * digits of its URL's SHA-256, because one host may have several (a port each, a path each).
 */
export function caFolder(directoryUrl: string): string {
  const hash = createHash('sha256').update(directoryUrl).digest('hex').slice(0, 8);
  const host = URL.canParse(directoryUrl) ? new URL(directoryUrl).hostname : '';
  return `${host
    .replace(/[^A-Za-z0-9.-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, 180)}-${hash}`;
}
