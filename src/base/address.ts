import { isIP } from 'node:net';
import { bad, good, type Parsed } from './parsed.ts';

/** Where a listener binds. Host `::` accepts IPv4 as well (a dual-stack socket). */
export interface BindAddress {
  readonly host: string;
  /** 0 to 65535; 0 asks the system for a free port. */
  readonly port: number;
  /** As a person writes it: `0.0.0.0:443`, `[::1]:8448`. */
  readonly text: string;
}

/** Where a plain HTTP server of ours is: a host and port, or a Unix socket. */
export type Upstream =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

const PORT = /^\d{1,5}$/;

export function parsePort(text: string): number | undefined {
  if (!PORT.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** `host:port` and `[v6]:port` in writing. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `443`, `127.0.0.1:443`, `[::1]:443`, `localhost:443` or `*:443` as a place to listen. */
export function parseBindAddress(text: string): Parsed<BindAddress> {
  const form = 'write a port (443), an address and port (127.0.0.1:443) or [IPv6]:port ([::1]:443)';
  const colon = text.lastIndexOf(':');
  const port = parsePort(text.slice(colon + 1));
  if (port === undefined) return bad(`${JSON.stringify(text)} has no port between 0 and 65535; ${form}`);
  let host = colon === -1 ? '::' : text.slice(0, colon);
  if (host === '*' || host === '[::]') host = '::';
  if (host.startsWith('[') && host.endsWith(']')) {
    host = host.slice(1, -1);
    if (isIP(host) !== 6) return bad(`[${host}] is no IPv6 address; ${form}`);
  } else if (host !== '::' && isIP(host) !== 4 && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host)) {
    return bad(`${JSON.stringify(host)} is no address to listen on; ${form}`);
  }
  return good({ host, port, text: formatHostPort(host, port) });
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
