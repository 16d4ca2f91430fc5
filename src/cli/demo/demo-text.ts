import { formatHostPort } from '../../base/address.ts';
import type { DemoServer } from './demo-server.ts';

/** How the demo writes: plain, or with the colours of a terminal. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

export function createPaint(colour: boolean): Paint {
  const wrap = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { strong: wrap(1), faint: wrap(2), good: wrap(32), bad: wrap(31) };
}

/** What was started, and how the three find each other. */
export function describeServers(servers: readonly DemoServer[], paint: Paint): string {
  const blocks = servers.map((server) => {
    const { serverName, federation, httpsPort, homeserver, way } = server;
    const ports = [...new Set([httpsPort, federation.port])].map((port) => formatHostPort('127.0.0.1', port));
    return [
      `  ${paint.strong(serverName.text)}`,
      `    ${way}`,
      paint.faint(`    sidecar on ${ports.join(' and ')}, homeserver without TLS on ${homeserver.upstream.text}`),
    ].join('\n');
  });
  return `${blocks.join('\n')}\n`;
}

/** One check's line and what was seen. */
export function describeOutcome(title: string, outcome: { ok: boolean; seen: string }, paint: Paint): string {
  const mark = outcome.ok ? paint.good('\u2713') : paint.bad('\u2717');
  return `  ${mark} ${title}\n${paint.faint(`      ${outcome.seen}`)}\n`;
}

/**
 * Commands that a person can paste. `--resolve` is there for curl versions before 7.85, which ask DNS for names under
 * localhost.
 */
export function listCurlCommands(servers: readonly DemoServer[], caFile: string): readonly string[] {
  const named = servers.find((server) => server.serverName.kind === 'dns' && server.serverName.port === undefined);
  const direct = servers.find((server) => server.serverName.kind === 'dns' && server.serverName.port !== undefined);
  const address = servers.find((server) => server.serverName.kind !== 'dns');
  const curl = (server: DemoServer, host: string, port: number, path: string, options = ''): string => {
    const resolve = server.serverName.kind === 'dns' ? ` --resolve ${host}:${port}:127.0.0.1` : '';
    return `curl --cacert ${quote(caFile)}${resolve}${options} ${quote(`https://${host}:${port}${path}`)}`;
  };
  const commands: string[] = [];
  if (named !== undefined) {
    const { host } = named.serverName;
    const { sni = host, port } = named.client;
    commands.push(
      curl(named, host, named.httpsPort, '/.well-known/matrix/server'),
      curl(named, sni, port, '/_matrix/client/versions', ' --http2 -i'),
      curl(named, sni, port, '/_matrix/client/v3/sync?timeout=5000'),
    );
  }
  if (direct !== undefined) {
    const { host } = direct.serverName;
    commands.push(curl(direct, host, direct.federation.port, '/_matrix/key/v2/server'));
  }
  if (address !== undefined) {
    commands.push(curl(address, address.federation.host, address.federation.port, '/_matrix/federation/v1/version'));
  }
  return commands;
}

/** Quotes for a POSIX shell where it is needed. */
function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
