import { isIPv4, isIPv6 } from 'node:net';
import { formatHostPort, hasScheme, parsePort } from '../base/address.ts';
import { bad, good, type Parsed } from '../base/parsed.ts';

/** A Matrix server name, parsed once (Matrix spec, appendices, "Server Name"). Also the value of `m.server`. */
export interface ServerName {
  /** Exactly as written; server names are compared byte by byte. */
  readonly text: string;
  /** The host without brackets, lower case: for DNS, SNI, certificates and routing. */
  readonly host: string;
  /** The explicit port, if there is one; 1 to 65535. */
  readonly port: number | undefined;
  readonly kind: 'dns' | 'ipv4' | 'ipv6';
}

const ID = /^([@#!+])[^:]*:([A-Za-z0-9.:[\]-]+)$/;
const IDS: Readonly<Record<string, string>> = {
  '@': 'a user id',
  '#': 'a room alias',
  '!': 'a room id',
  '+': 'a group id',
};
const DNS_NAME = /^[A-Za-z0-9.-]+$/;

/** Reads `hostname [":" port]`, where hostname is an IPv4 address, `[IPv6]` or a DNS name. */
export function parseServerName(text: string): Parsed<ServerName> {
  const quoted = JSON.stringify(text);
  // Both would otherwise be taken for a host with a bad port.
  if (hasScheme(text)) return bad(`${quoted} is no server name: leave out the scheme and the path`);
  const id = ID.exec(text);
  if (id !== null) return bad(`${quoted} is ${IDS[id[1]!]}; its server name is ${id[2]!.slice(0, 300)}`);
  if (isIPv6(text)) return bad(`${quoted} is no server name: an IPv6 address stands in brackets, [${text}]`);
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(text);
  if (match === null)
    return bad(`${quoted} is no server name: write example.com, example.com:8448, 192.0.2.1 or [2001:db8::1]`);
  const written = match[1]!;
  const port = match[2] === undefined ? undefined : parsePort(match[2]);
  if (match[2] !== undefined && (port === undefined || port === 0))
    return bad(`${quoted} has a bad port: ports go from 1 to 65535`);
  if (written.startsWith('[')) {
    const host = written.slice(1, -1).toLowerCase();
    if (!isIPv6(host) || host.includes('%')) return bad(`${quoted}: what stands in brackets is no IPv6 address`);
    return good({ text, host, port, kind: 'ipv6' });
  }
  const host = written.toLowerCase();
  if (isIPv4(host)) return good({ text, host, port, kind: 'ipv4' });
  if (host === '') return bad(`${quoted} is no server name: there is no host in it`);
  if (written.length > 255) return bad(`${quoted} is no server name: a host name has at most 255 characters`);
  // As written: in lower case, the Kelvin sign is the letter k.
  if (!DNS_NAME.test(written)) {
    return bad(`${quoted} is no server name: only letters, digits, dots and dashes may stand in a host name`);
  }
  return good({ text, host, port, kind: 'dns' });
}

/**
 * Why the DNS cannot have the host of a server name, in a clause; undefined where it can. The grammar of server names
 * allows them, and nobody can ever look them up (RFC 1035, 2.3.4). The dot that ends an absolute name is none of it.
 */
export function whyNotInDns({ text, host, kind }: ServerName): string | undefined {
  if (kind !== 'dns') return undefined;
  const labels = host.replace(/\.$/, '').split('.');
  const quoted = JSON.stringify(text);
  if (labels.includes(''))
    return `${quoted} is no server name: there is nothing between two of its dots, or before the first`;
  const long = labels.find((label) => label.length > 63);
  if (long === undefined) return undefined;
  return `${quoted} is no server name: the part ${JSON.stringify(`${long.slice(0, 20)}…`)} has ${long.length} characters, and 63 is the most`;
}

/** `host:port` with brackets where needed; the port given when the name has none. */
export function withDefaultPort(name: ServerName, port: number): string {
  return formatHostPort(name.host, name.port ?? port);
}
