/**
 * What kind of request target this is (RFC 9112 section 3.2). Only the origin form is forwarded; `malformed` has
 * bytes that RFC 3986 has no place for, such as a fragment, which homeservers and caches read in different ways.
 */
export type TargetForm = 'origin' | 'absolute' | 'asterisk' | 'malformed';

/** A `#`, a space, a control or a byte outside ASCII. Other odd bytes (`{`, `|`, `"`) pass as they are. */
const FORBIDDEN = /[^!"$-~]/;

export function readTargetForm(target: string): TargetForm {
  if (FORBIDDEN.test(target)) return 'malformed';
  if (target.charCodeAt(0) === 0x2f) return 'origin';
  if (target === '*') return 'asterisk';
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(target) ? 'absolute' : 'malformed';
}

/** Where the path ends and the query begins. */
export function findPathEnd(target: string): number {
  const query = target.indexOf('?');
  return query === -1 ? target.length : query;
}

/**
 * The path as something behind us that resolves dot segments would read it (RFC 3986 section 5.2.4, after decoding
 * `.`, `/` and `_`); undefined where nothing would change. Only for deciding: what is forwarded stays as it came.
 */
export function resolveDotSegments(path: string): string | undefined {
  if (!path.includes('/.') && !/%2[ef]|%5[cf]|\\/i.test(path)) return undefined;
  // All unreserved characters, which mean the same encoded and not (RFC 3986 section 6.2.2.2), and the slashes.
  const decoded = path
    .replaceAll(/%([2-7][0-9a-f])/gi, (whole, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return /[A-Za-z0-9._~-]/.test(character) ? character : whole;
    })
    .replaceAll(/%2f|%5c|\\/gi, '/');
  const segments: string[] = [];
  for (const segment of decoded.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join('/')}`;
}
