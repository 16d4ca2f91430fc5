import { isHopByHop, readConnectionNames } from './hop-by-hop.ts';

/** An answer's header fields for the client: as the homeserver sent them, without those of its own connection. */
export interface ResponseHead {
  readonly headers: string[];
  /** The declared length of the body; undefined when it ends with the stream of chunks or the connection. */
  readonly contentLength: number | undefined;
}

/** From undici's flat array of bytes to strings in which each char is a byte (ISO 8859-1, as node:http writes them). */
export function buildResponseHead(raw: readonly (Buffer | string)[]): ResponseHead {
  const headers: string[] = [];
  let contentLength: number | undefined;
  let named: ReadonlySet<string> | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index]!);
    const value = text(raw[index + 1]!);
    if (isHopByHop(name)) {
      if (name.length === 10 && name.toLowerCase() === 'connection') named = merge(named, readConnectionNames(value));
      continue;
    }
    if (name.length === 14 && name.toLowerCase() === 'content-length') contentLength = Number(value);
    headers.push(name, value);
  }
  return { headers: named === undefined ? headers : without(headers, named), contentLength };
}

/** Trailers, or the header of a 1xx answer, by the same rules. */
export function buildResponseFields(raw: readonly (Buffer | string)[]): string[] {
  return buildResponseHead(raw).headers;
}

/** Only an answer of no known length can: HTTP/1.1 has trailers behind the last chunk alone (RFC 9112 section 7.1.2). */
export function mayEndWithTrailers(method: string, status: number, headers: readonly string[]): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return false;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.length === 14 && headers[index]!.toLowerCase() === 'content-length') return false;
  }
  return true;
}

function text(field: Buffer | string): string {
  return typeof field === 'string' ? field : field.toString('latin1');
}

function merge(
  one: ReadonlySet<string> | undefined,
  other: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return one === undefined || other === undefined ? (one ?? other) : new Set([...one, ...other]);
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_, index) => !names.has(headers[index - (index % 2)]!.toLowerCase()));
}
