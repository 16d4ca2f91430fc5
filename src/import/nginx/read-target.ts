import type { Target } from '../site.ts';
import { type Directive, listDirectives } from './directive.ts';

/** What stands in a proxy_pass: where to, and with which path. */
export interface ProxyAddress {
  readonly target: Target;
  /** Undefined where only a server is named, so that the path goes on as it came. */
  readonly path: string | undefined;
}

/** Reads `http://host:port/path`, `http://group`, `http://unix:/path:/uri`; undefined for what is none. */
export function readProxyAddress(url: string, upstreams: ReadonlyMap<string, Directive>): ProxyAddress | undefined {
  const unix = /^(https?):\/\/unix:([^:]+)(?::(.*))?$/s.exec(url);
  if (unix !== null) {
    const [, scheme, path = '', uri] = unix;
    return { target: { text: `unix:${path}`, tls: scheme === 'https', others: [] }, path: uri };
  }
  const plain = /^(https?):\/\/([^/?#]+)(.*)$/is.exec(url);
  if (plain === null) return undefined;
  const [, scheme = 'http', authority = '', rest = ''] = plain;
  const tls = scheme.toLowerCase() === 'https';
  const members = readGroup(upstreams.get(authority.toLowerCase()), tls);
  const [text = formatServer(authority, tls), ...others] = members;
  return { target: { text, tls, others }, path: rest === '' ? undefined : rest };
}

/** The servers of an upstream block: those in use first, then those for when they fail. */
function readGroup(group: Directive | undefined, tls: boolean): readonly string[] {
  const servers = listDirectives(group?.block ?? [], 'server').filter(({ args }) => !args.includes('down'));
  const spare = (directive: Directive): boolean => directive.args.includes('backup');
  const ordered = [...servers.filter((one) => !spare(one)), ...servers.filter(spare)];
  return [...new Set(ordered.map(({ args }) => formatServer(args[0] ?? '', tls)))];
}

/** As an upstream is written here: with its port. */
function formatServer(authority: string, tls: boolean): string {
  if (authority.startsWith('unix:')) return authority;
  const hasPort = /:\d+$/.test(authority);
  return `${tls ? 'https' : 'http'}://${authority}${hasPort ? '' : tls ? ':443' : ':80'}`;
}
