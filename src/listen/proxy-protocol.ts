import { isIPv4, isIPv6 } from 'node:net';
import { parsePort } from '../base/address.ts';
import { plainAddress } from '../base/cidr.ts';

/** The addresses that a PROXY header carries; undefined for LOCAL and UNKNOWN, where the socket's own hold. */
export interface ProxiedAddress {
  readonly address: string;
  readonly port: number;
}

/** What the first bytes of a connection are, as far as they have come. `length` counts the header's own bytes. */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'header'; readonly length: number; readonly source: ProxiedAddress | undefined }
  | { readonly kind: 'invalid'; readonly why: string };

/** The longest header we accept: v2 with 536 bytes, which the specification says fits one segment, TLVs included. */
export const MAX_PROXY_HEADER = 536;

const V1_MAX = 107;
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_START = Buffer.from('PROXY ', 'latin1');

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const invalid = (why: string): ProxyHeader => ({ kind: 'invalid', why });

function startsLike(bytes: Buffer, start: Buffer): boolean {
  const shared = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, shared, 0, shared) === 0;
}

/**
 * Reads a PROXY protocol header, version 1 or 2, from the start of `bytes` (HAProxy, "The PROXY protocol",
 * sections 2.1 and 2.2). Total: any bytes give an answer, and never more than MAX_PROXY_HEADER are needed.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return INCOMPLETE;
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < 16 ? INCOMPLETE : parseV2(bytes);
  if (startsLike(bytes, V1_START)) return parseV1(bytes);
  return invalid('no PROXY header, though this peer is configured to send one');
}

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.indexOf('\r\n', 0, 'latin1');
  if (end === -1) return bytes.length < V1_MAX ? INCOMPLETE : invalid('a version 1 header without an end');
  if (end > V1_MAX - 2) return invalid('a version 1 header that is too long');
  const length = end + 2;
  const [, protocol, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  if (protocol === 'UNKNOWN') return { kind: 'header', length, source: undefined };
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined) return invalid('a version 1 header for neither TCP4 nor TCP6');
  const port = parsePort(sourcePort);
  if (rest.length > 0 || !isAddress(source) || !isAddress(destination))
    return invalid('a version 1 header with bad addresses');
  if (port === undefined || parsePort(destinationPort) === undefined)
    return invalid('a version 1 header with bad ports');
  return { kind: 'header', length, source: { address: plainAddress(source), port } };
}

function parseV2(bytes: Buffer): ProxyHeader {
  const version = bytes[12]! >> 4;
  const command = bytes[12]! & 0x0f;
  const family = bytes[13]!;
  const length = 16 + bytes.readUInt16BE(14);
  if (version !== 2 || command > 1) return invalid('a version 2 header with an unknown version or command');
  if (length > MAX_PROXY_HEADER) return invalid('a version 2 header that is too long');
  if (bytes.length < length) return INCOMPLETE;
  // LOCAL: the balancer's own health check; the addresses must be ignored. UNSPEC likewise.
  if (command === 0 || family === 0x00) return { kind: 'header', length, source: undefined };
  if (family === 0x11) {
    if (length < 28) return invalid('a version 2 header too short for IPv4 addresses');
    return {
      kind: 'header',
      length,
      source: { address: [...bytes.subarray(16, 20)].join('.'), port: bytes.readUInt16BE(24) },
    };
  }
  if (family === 0x21) {
    if (length < 52) return invalid('a version 2 header too short for IPv6 addresses');
    return {
      kind: 'header',
      length,
      source: { address: plainAddress(formatIPv6(bytes.subarray(16, 32))), port: bytes.readUInt16BE(48) },
    };
  }
  return invalid('a version 2 header for neither TCP over IPv4 nor TCP over IPv6');
}

/** Sixteen bytes as an IPv6 address in RFC 5952 form; IPv4-mapped ones as `::ffff:a.b.c.d`. */
function formatIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${[...bytes.subarray(12)].join('.')}`;
  // The URL parser of the platform shortens as RFC 5952 asks.
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]/`).hostname.slice(1, -1);
}
