import { isIP, isIPv6 } from 'node:net';
import { bad, good, type Parsed } from './parsed.ts';

/** Where a listener binds. Host `::` accepts IPv4 as well (a dual-stack socket). */
export interface BindAddress {
  readonly host: string;
  /** 0 to 65535; 0 asks the system for a free port. */
  readonly port: number;
  /** As a person writes it: `0.0.0.0:443`, `[::1]:8448`. */
  readonly text: string;
}

/** A server somewhere, by name or address. */
export interface HostPort {
  /** A host name, or an address without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** `ns.example.com:53`, `[2001:db8::53]:53`. */
  readonly text: string;
}

/** Where a plain HTTP server of ours is: a host and port, or a Unix socket. */
export type Upstream =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/** One or several places that serve the same: one upstream with its instances. */
export interface UpstreamPool {
  readonly instances: readonly [Upstream, ...Upstream[]];
  /** Every place as a person writes it, with commas between them. Names the pool. */
  readonly text: string;
}

/** `instances` in the order in which they were written, none twice. */
export function createUpstreamPool(instances: readonly [Upstream, ...Upstream[]]): UpstreamPool {
  return { instances, text: instances.map(({ text }) => text).join(', ') };
}

const PORT = /^\d{1,5}$/;
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

export function parsePort(text: string): number | undefined {
  if (!PORT.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** `host:port` and `[v6]:port` in writing. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether text begins like a URL (RFC 3986, 3.1): `https://`. */
export function hasScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/** Reads `443`, `127.0.0.1:443`, `[::1]:443`, `localhost:443` or `*:443` as a place to listen. */
export function parseBindAddress(text: string): Parsed<BindAddress> {
  const form = 'write a port (443), an address and port (127.0.0.1:443) or [IPv6]:port ([::1]:443)';
  if (hasScheme(text)) return bad(`${JSON.stringify(text)} is a URL; ${form}`);
  const colon = text.lastIndexOf(':');
  const port = parsePort(text.slice(colon + 1));
  if (port === undefined) return bad(`${JSON.stringify(text)} has no port between 0 and 65535; ${form}`);
  let host = colon === -1 ? '::' : text.slice(0, colon);
  if (host === '*' || host === '[::]') host = '::';
  if (host.startsWith('[') && host.endsWith(']')) {
    host = host.slice(1, -1);
    if (isIP(host) !== 6) return bad(`[${host}] is no IPv6 address; ${form}`);
  } else if (host !== '::' && isIP(host) !== 4 && !HOST.test(host)) {
    return bad(`${JSON.stringify(host)} is no address to listen on; ${form}`);
  }
  return good({ host, port, text: formatHostPort(host, port) });
}

/** Reads `host`, `host:port`, `[v6]:port` or an IPv6 address without brackets. `port` is for when none is written. */
export function parseHostPort(text: string, port: number): Parsed<HostPort> {
  const form = `write ns.example.com, 192.0.2.53:${port} or [2001:db8::53]:${port}`;
  const refuse = (why: string): Parsed<HostPort> => bad(`${JSON.stringify(text)} ${why}; ${form}`);
  if (hasScheme(text)) return refuse('is a URL, not a host with or without a port');
  if (isIPv6(text)) return good({ host: text, port, text: formatHostPort(text, port) });
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(text);
  if (match === null) return refuse('is no host with or without a port');
  const [, bracketed, plain = '', written] = match;
  const given = written === undefined ? port : parsePort(written);
  if (given === undefined || given === 0) return refuse('has a bad port: ports go from 1 to 65535');
  if (bracketed === undefined && !HOST.test(plain)) return refuse('names no host');
  if (bracketed !== undefined && !isIPv6(bracketed)) return refuse('has no IPv6 address in its brackets');
  const host = bracketed ?? plain;
  return good({ host, port: given, text: formatHostPort(host, given) });
}

/** Reads `http://host[:port]`, `http://[v6]:port` or `unix:/path` as an upstream. No path, user or query. */
export function parseUpstream(text: string): Parsed<Upstream> {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (!path.startsWith('/')) return bad(`a Unix socket needs an absolute path, as in unix:/run/synapse/main.sock`);
    return good({ kind: 'unix', path, text: `unix:${path}` });
  }
  if (text.startsWith('https://')) {
    return bad(`the way to the homeserver is plain HTTP: write http://, and tls: false on that listener`);
  }
  const match = /^http:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(\/?)$/.exec(text);
  if (match === null) {
    const why = /^http:\/\/[^/?#]+\/./.test(text)
      ? 'an upstream has no path: requests keep their own'
      : 'not an upstream';
    return bad(`${JSON.stringify(text)}: ${why}; write http://synapse:8008 or unix:/run/synapse/main.sock`);
  }
  const bracketed = match[1]!;
  const host = bracketed.startsWith('[') ? bracketed.slice(1, -1) : bracketed;
  if (bracketed.startsWith('[') && isIP(host) !== 6) return bad(`${bracketed} is no IPv6 address`);
  const port = match[2] === undefined ? 80 : parsePort(match[2]);
  if (port === undefined || port === 0) return bad(`${match[2]} is no port; ports go from 1 to 65535`);
  return good({ kind: 'tcp', host, port, text: `http://${formatHostPort(host, port)}` });
}
