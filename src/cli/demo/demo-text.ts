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
    const { serverName, client, federation, homeserver, way } = server;
    const places = [...new Set([client, federation].map(({ host, port }) => formatHostPort(host, port)))];
    return [
      `  ${paint.strong(serverName.text)}  ${way}`,
      paint.faint(`    sidecar on ${places.join(' and ')}, homeserver without TLS on ${homeserver.upstream.text}`),
    ].join('\n');
  });
  return `${blocks.join('\n')}\n`;
}

/** One check's line and what was seen. */
export function describeOutcome(title: string, outcome: { ok: boolean; seen: string }, paint: Paint): string {
  const mark = outcome.ok ? paint.good('\u2713') : paint.bad('\u2717');
  return `  ${mark} ${title}\n${paint.faint(`      ${outcome.seen}`)}\n`;
}
