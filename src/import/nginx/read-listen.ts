import { parseBindAddress, parsePort } from '../../base/address.ts';
import type { SiteListen } from '../site.ts';
import type { Directive } from './directive.ts';

/** Reads `listen`; undefined for sockets and what is not understood. `legacyTls` is what `ssl on;` says. */
export function readListen({ args, place }: Directive, legacyTls: boolean): SiteListen | undefined {
  const [address = '', ...options] = args;
  if (address.startsWith('unix:')) return undefined;
  const [, bracketed, plain, written] = /^(?:(\[[^\]]*\])|([^:[\]]*?))(?::?(\d+))?$/.exec(address) ?? [];
  const host = bracketed ?? (plain === '' ? undefined : plain);
  const port = written === undefined ? 80 : parsePort(written);
  if (port === undefined || port === 0) return undefined;
  const all = host === undefined || host === '*' || host === '[::]' || host === '0.0.0.0';
  if (!all && !parseBindAddress(`${host}:${port}`).ok) return undefined;
  return {
    host: all ? undefined : host,
    port,
    // HTTP/3 has TLS of its own, and another listen line for TCP.
    tls: options.includes('ssl') || options.includes('quic') || legacyTls,
    proxyProtocol: options.includes('proxy_protocol'),
    place,
  };
}
