import { WireError } from './wire-error.ts';

/** A request to the homeserver, but for its body. */
export interface RequestHead {
  readonly method: string;
  /** From the first slash on, byte for byte (each char a byte). */
  readonly target: string;
  /** Name, value, name, value; each char a byte. Without fields of the connection. */
  readonly headers: readonly string[];
}

/** The beginning of a request, up to the fields that say how its body is framed. */
export interface WrittenHead {
  readonly text: string;
  /** From the header, where it says so. */
  readonly declared: number | undefined;
  /** The connection ends with the answer. */
  readonly closes: boolean;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_TARGET = /[^!-\xff]/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** With these, a body is expected and a length of 0 is said (RFC 9110 section 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['PUT', 'POST', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** Would a homeserver look for a body behind this method? */
export function expectsBody(method: string): boolean {
  return WITH_BODY.has(method);
}

/**
 * Writes request line and fields in their order and case, Host first. Throws a WireError at what cannot be written
 * unambiguously, whoever let it through so far: this is the last place before the wire. Pure.
 *
 * The connection is not used again behind a body that the method does not lead a homeserver to expect: it might take it for
 * the next request. Nor behind HEAD, whose answer has a length and no body: it might have one nevertheless.
 */
export function writeHead(request: RequestHead, hasBody: boolean): WrittenHead {
  const { method, target, headers } = request;
  if (!TOKEN.test(method) || method === 'CONNECT') throw unfit('its method is none that can be passed on');
  if (!target.startsWith('/') || NO_TARGET.test(target)) throw unfit('its target is malformed');
  let host = 'homeserver';
  let hosts = 0;
  let declared: number | undefined;
  let fields = '';
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    const value = headers[index + 1]!;
    if (!TOKEN.test(name) || NO_VALUE.test(value)) throw unfit('a header field is malformed');
    if (name.length === 4 && name.toLowerCase() === 'host') {
      if (++hosts > 1) throw unfit('it names two hosts');
      host = value;
    } else if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (declared !== undefined || !/^\d{1,15}$/.test(value)) throw unfit('its Content-Length is no length');
      declared = Number(value);
    } else if (isOfConnection(name)) throw unfit(`it has the field ${name}`);
    else fields += `${name}: ${value}\r\n`;
  }
  const closes = method === 'HEAD' || (hasBody && !expectsBody(method));
  const connection = closes ? 'close' : 'keep-alive';
  return {
    text: `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${connection}\r\n${fields}`,
    declared,
    closes,
  };
}

/** Fields that would say something about framing or connection. They are taken away long before. */
function isOfConnection(name: string): boolean {
  switch (name.length) {
    case 6:
      return name.toLowerCase() === 'expect';
    case 7:
      return name.toLowerCase() === 'upgrade';
    case 10: {
      const lower = name.toLowerCase();
      return lower === 'connection' || lower === 'keep-alive';
    }
    case 17:
      return name.toLowerCase() === 'transfer-encoding';
    default:
      return false;
  }
}

/** The request cannot be written. `why` follows "The request cannot be passed on". */
export function unfit(why: string): WireError {
  return new WireError('ERR_UPSTREAM_REQUEST', why);
}
