import type { RawHeaders } from './exchange.ts';
import { isHopByHop, readConnectionNames } from './hop-by-hop.ts';

/** An answer's header fields for the client: as the homeserver sent them, without those of its own connection. */
export interface ResponseHead {
  readonly headers: string[];
  /** The declared length of the body; undefined when it ends with the stream of chunks or the connection. */
  readonly contentLength: number | undefined;
}

/**
 * From the fields as they came (name, value, name, value; each char a byte) to those that go on. A status of 1xx or 204 may
 * not have a length (RFC 9110 section 8.6), and over HTTP/2 the client would break the stream off: only 0 is let through,
 * which Synapse sends and everybody takes.
 */
export function buildResponseHead(raw: RawHeaders, status: number): ResponseHead {
  const isBare = status < 200 || status === 204;
  const headers: string[] = [];
  let contentLength: number | undefined;
  let named: ReadonlySet<string> | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    if (isHopByHop(name)) {
      if (name.length === 10 && name.toLowerCase() === 'connection') named = merge(named, readConnectionNames(value));
      continue;
    }
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (isBare && value !== '0') continue;
      contentLength = Number(value);
    }
    headers.push(name, value);
  }
  return { headers: named === undefined ? headers : without(headers, named), contentLength };
}

/** Trailers, which say nothing of the framing either (RFC 9110 section 6.5.1), or the header of a 1xx answer. */
export function buildResponseFields(raw: RawHeaders): string[] {
  return buildResponseHead(raw, 100).headers;
}

/** Only an answer of no known length can: HTTP/1.1 has trailers behind the last chunk alone (RFC 9112 section 7.1.2). */
export function mayEndWithTrailers(method: string, status: number, headers: readonly string[]): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return false;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.length === 14 && headers[index]!.toLowerCase() === 'content-length') return false;
  }
  return true;
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
