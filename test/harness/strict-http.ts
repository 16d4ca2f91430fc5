/** One request, as the letter of RFC 9112 reads it. Strings have a char for each byte. */
export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export interface StrictReading {
  readonly requests: readonly StrictRequest[];
  /** Where the last whole request ends. */
  readonly end: number;
  /** What follows: nothing, the start of a request, bytes that are none, or bytes after a request that said `close`. */
  readonly rest: 'nothing' | 'incomplete' | 'invalid' | 'after close';
  readonly why: string;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** Words between which there may be more than one space (RFC 9112 section 3 lets a recipient take them so). */
const REQUEST_LINE = new RegExp(`^(${TOKEN}) +([!-~\\x80-\\xff]+) +HTTP/1\\.([01])$`);
const FIELD_LINE = new RegExp(
  `^(${TOKEN}):[ \\t]*((?:[!-~\\x80-\\xff](?:[ \\t!-~\\x80-\\xff]*[!-~\\x80-\\xff])?)?)[ \\t]*$`,
);
const QUOTED = '"(?:[\\t !#-[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const CHUNK_LINE = new RegExp(
  `^([0-9A-Fa-f]{1,12})((?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)*)$`,
);

class Invalid extends Error {}
class Incomplete extends Error {}

/**
 * Reads HTTP/1.x requests by the letter: no bare CR or LF inside, no folding, no leniency that
 * RFC 9112 does not grant by name. It shares no code
 * with the sidecar and knows nothing of it, so that the two readings of the same bytes can be compared.
 */
export function readStrictly(bytes: Buffer): StrictReading {
  const text = bytes.toString('latin1');
  const requests: StrictRequest[] = [];
  let at = 0;
  let end = 0;

  const line = (): string => {
    const stop = text.indexOf('\n', at);
    const found = text.slice(at, stop === -1 ? undefined : stop);
    if (stop === -1) throw new Incomplete('a line without an end');
    if (!found.endsWith('\r')) throw new Invalid('a line that ends in a bare LF');
    at = stop + 1;
    return found.slice(0, -1);
  };
  const fields = (): [string, string][] => {
    const all: [string, string][] = [];
    for (let next = line(); next !== ''; next = line()) {
      const match = FIELD_LINE.exec(next);
      if (match === null) throw new Invalid(`a malformed field line ${JSON.stringify(next.slice(0, 60))}`);
      all.push([match[1]!, match[2]!]);
    }
    return all;
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Incomplete('a body that is cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const chunks = (): Buffer => {
    const all: Buffer[] = [];
    for (;;) {
      const match = CHUNK_LINE.exec(line());
      if (match === null) throw new Invalid('a malformed chunk');
      const length = Number.parseInt(match[1]!, 16);
      if (length === 0) break;
      all.push(take(length));
      if (take(2).toString('latin1') !== '\r\n') throw new Invalid('a chunk without CRLF behind it');
    }
    fields();
    return Buffer.concat(all);
  };
  const values = (headers: readonly (readonly [string, string])[], name: string): string[] =>
    headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);

  try {
    while (at < bytes.length) {
      // Empty lines in front of a request are to be ignored, whatever ends them (section 2.2): no request has begun.
      while (text[at] === '\r' || text[at] === '\n') at++;
      if (at === bytes.length) return { requests, end: at, rest: 'nothing', why: '' };
      const first = line();
      const match = REQUEST_LINE.exec(first);
      if (match === null) throw new Invalid(`a malformed request line ${JSON.stringify(first.slice(0, 60))}`);
      const version = match[3] === '0' ? '1.0' : '1.1';
      const headers = fields();
      const codings = values(headers, 'transfer-encoding');
      const lengths = values(headers, 'content-length');
      if (codings.length > 0 && (lengths.length > 0 || version === '1.0')) throw new Invalid('ambiguous framing');
      if (codings.length > 1 || lengths.length > 1) throw new Invalid('framing said twice');
      if (codings.length === 1 && codings[0]!.toLowerCase() !== 'chunked') throw new Invalid('an unknown coding');
      if (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0]!)) throw new Invalid('a malformed length');
      const body = codings.length === 1 ? chunks() : take(Number(lengths[0] ?? 0));
      requests.push({ method: match[1]!, target: match[2]!, version, headers, body });
      end = at;
      const options = values(headers, 'connection').join(',').toLowerCase();
      if (/(^|[, \t])close([, \t]|$)/.test(options) || (version === '1.0' && !options.includes('keep-alive')))
        return { requests, end, rest: at === bytes.length ? 'nothing' : 'after close', why: 'a request said close' };
    }
    return { requests, end, rest: 'nothing', why: '' };
  } catch (error) {
    if (error instanceof Incomplete) return { requests, end, rest: 'incomplete', why: error.message };
    if (error instanceof Invalid) return { requests, end, rest: 'invalid', why: error.message };
    throw error;
  }
}

/** The first value of a header field, whatever its case. */
export function headerOf(request: StrictRequest, lowerName: string): string | undefined {
  return request.headers.find(([name]) => name.toLowerCase() === lowerName)?.[1];
}
