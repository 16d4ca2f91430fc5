/** What a client says first, as far as the choice of who serves it needs it (RFC 8446 section 4.1.2). */
export interface ClientHello {
  /** The name in server_name (RFC 6066 section 3), lower case; undefined without one. */
  readonly serverName: string | undefined;
  /** The protocols in application_layer_protocol_negotiation (RFC 7301), in the client's order. */
  readonly alpn: readonly string[];
}

/**
 * What the first bytes of a connection are, as far as they have come. `need` is how many bytes there must be, counted
 * from the first, before another look can tell more.
 */
export type ClientHelloReading =
  | { readonly kind: 'incomplete'; readonly need: number }
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  | { readonly kind: 'not-tls'; readonly why: string };

/** No ClientHello that we look into is longer, record headers included. With post-quantum keys they have 2 KiB. */
export const MAX_CLIENT_HELLO = 65_536;
/** Clients use one record, or two; some middleboxes' tests a handful. Bounds the work on a hello in crumbs. */
const MAX_RECORDS = 64;
const RECORD_HEADER = 5;
/** RFC 8446 section 5.1. */
const MAX_RECORD = 16_384;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const ALPN = 16;

const notTls = (why: string): ClientHelloReading => ({ kind: 'not-tls', why });

/**
 * Reads the ClientHello at the start of `bytes`, in however many records it comes. Total: any bytes give an answer.
 * What it calls `not-tls` may still be something that OpenSSL has an opinion on; it only is nothing for us to act upon.
 */
export function parseClientHello(bytes: Buffer): ClientHelloReading {
  const fragments: Buffer[] = [];
  let gathered = 0;
  for (let at = 0, records = 0; ; records++) {
    if (records === MAX_RECORDS) return notTls('a ClientHello in too many records');
    if (bytes.length < at + RECORD_HEADER) {
      // What is there must already look like a record, so that plain HTTP is told apart by its first byte.
      if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return notTls('no TLS handshake record');
      return incomplete(at + RECORD_HEADER);
    }
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE_RECORD || bytes[at + 1] !== 3) return notTls('no TLS handshake record');
    if (length === 0 || length > MAX_RECORD) return notTls('a TLS record of an impossible length');
    const fragment = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    fragments.push(fragment);
    gathered += fragment.length;
    at += RECORD_HEADER + length;
    const message = wholeMessage(fragments, gathered);
    if (message !== undefined) return message.kind === 'whole' ? readHello(message.body) : message;
    if (bytes.length < at) return incomplete(at);
  }
}

function incomplete(need: number): ClientHelloReading {
  return need > MAX_CLIENT_HELLO ? notTls('a ClientHello that is too long') : { kind: 'incomplete', need };
}

type Message = { readonly kind: 'whole'; readonly body: Buffer } | (ClientHelloReading & { readonly kind: 'not-tls' });

/** The ClientHello message out of its fragments; undefined while some of it is missing. */
function wholeMessage(fragments: readonly Buffer[], gathered: number): Message | undefined {
  const [first] = fragments;
  if (first !== undefined && first.length > 0 && first[0] !== CLIENT_HELLO)
    return { kind: 'not-tls', why: 'a handshake that does not begin with a ClientHello' };
  if (gathered < 4) return undefined;
  const start = fragments.length === 1 ? first! : Buffer.concat(fragments);
  const length = start.readUIntBE(1, 3);
  if (length > MAX_CLIENT_HELLO) return { kind: 'not-tls', why: 'a ClientHello that is too long' };
  return gathered < 4 + length ? undefined : { kind: 'whole', body: start.subarray(4, 4 + length) };
}

function readHello(body: Buffer): ClientHelloReading {
  const malformed = notTls('a malformed ClientHello');
  // legacy_version, random; then three vectors with lengths of one, two and one byte.
  const session = takeVector(body, 34, 1);
  const ciphers = session && takeVector(body, session.next, 2);
  const compression = ciphers && takeVector(body, ciphers.next, 1);
  if (compression === undefined) return malformed;
  if (compression.next === body.length) return { kind: 'hello', hello: { serverName: undefined, alpn: [] } };
  const extensions = takeVector(body, compression.next, 2);
  if (extensions === undefined || extensions.next !== body.length) return malformed;
  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  for (let at = 0; at < extensions.value.length; ) {
    const extension = takeVector(extensions.value, at + 2, 2);
    if (extension === undefined) return malformed;
    const type = extensions.value.readUInt16BE(at);
    if (type === SERVER_NAME) {
      const name = readServerName(extension.value);
      if (name === undefined) return malformed;
      serverName = name;
    } else if (type === ALPN) {
      const list = takeVector(extension.value, 0, 2);
      const names = list === undefined ? undefined : readNames(list.value);
      if (names === undefined) return malformed;
      alpn = names;
    }
    at = extension.next;
  }
  return { kind: 'hello', hello: { serverName, alpn } };
}

function readServerName(extension: Buffer): string | undefined {
  const list = takeVector(extension, 0, 2);
  const entry = list === undefined || list.value[0] !== HOST_NAME ? undefined : takeVector(list.value, 1, 2);
  return entry?.value.toString('latin1').toLowerCase();
}

function readNames(list: Buffer): string[] | undefined {
  const names: string[] = [];
  for (let at = 0; at < list.length; ) {
    const name = takeVector(list, at, 1);
    if (name === undefined || name.value.length === 0) return undefined;
    names.push(name.value.toString('latin1'));
    at = name.next;
  }
  return names;
}

/** A vector of RFC 8446 section 3.4 at `at`, its length in `width` bytes before it. */
function takeVector(bytes: Buffer, at: number, width: 1 | 2): { value: Buffer; next: number } | undefined {
  if (bytes.length < at + width) return undefined;
  const length = bytes.readUIntBE(at, width);
  const start = at + width;
  if (bytes.length < start + length) return undefined;
  return { value: bytes.subarray(start, start + length), next: start + length };
}
