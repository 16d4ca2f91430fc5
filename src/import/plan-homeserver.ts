import { parseUpstream, type Upstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { addressScope } from '../base/public-address.ts';
import type { FoundServer } from './find-servers.ts';
import { entry, type YamlEntry } from './yaml-entry.ts';

/** Where Synapse listens when nobody tells it otherwise. */
const USUAL = 'http://127.0.0.1:8008';

/** The homeserver as an upstream of ours; `given` is from the command line. */
export function planHomeserver(
  server: FoundServer,
  given: Upstream | undefined,
): { readonly entry: YamlEntry; readonly findings: readonly Finding[] } {
  const { homeserver } = server;
  if (given !== undefined) return { entry: entry('homeserver', given.text, 'from --homeserver'), findings: [] };
  if (homeserver === undefined) {
    return { entry: entry('homeserver', USUAL, 'not found: write where the homeserver listens'), findings: [] };
  }
  const { target, place } = homeserver;
  const plain = parseUpstream(target.text.replace(/^https:/, 'http:'));
  const findings: Finding[] = [];
  if (!plain.ok) {
    findings.push({
      id: 'import-homeserver-unknown',
      severity: 'error',
      place,
      what: `${target.text} cannot be written as a homeserver: ${plain.why}.`,
      fix: 'Run this again with --homeserver.',
    });
    return { entry: entry('homeserver', USUAL, 'not found: write where the homeserver listens'), findings };
  }
  if (target.tls) {
    findings.push({
      id: 'import-upstream-tls',
      severity: 'error',
      place,
      what: `The homeserver is reached by TLS (${target.text}), and the sidecar speaks plain HTTP to it.`,
      fix: 'Give Synapse a listener with tls: false and x_forwarded: true that only the sidecar can reach, and write its address as homeserver.',
    });
  }
  if (target.others.length > 0) {
    findings.push({
      id: 'import-balanced',
      severity: 'warning',
      place,
      what: `Requests are shared between ${target.others.length + 1} servers; the YAML has the first, ${plain.value.text}.`,
      fix: `If they are workers of one homeserver, put a proxy that knows them behind the sidecar. The others: ${target.others.slice(0, 8).join(', ')}.`,
    });
  }
  if (isLoopback(plain.value)) {
    findings.push({
      id: 'import-loopback',
      severity: 'info',
      place,
      what: `${plain.value.text} is the machine itself; in a container that is the container.`,
      fix: 'In a container, write the name of the service instead, as in http://synapse:8008.',
    });
  }
  return { entry: entry('homeserver', plain.value.text, place), findings };
}

function isLoopback(upstream: Upstream): boolean {
  return upstream.kind === 'tcp' && (upstream.host === 'localhost' || addressScope(upstream.host) === 'loopback');
}
