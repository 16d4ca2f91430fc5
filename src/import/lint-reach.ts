import type { Finding } from '../base/finding.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import { hostsOf } from './lint-passing.ts';

/** Whether other servers and clients get as far as the proxy. */
export function lintReach(hosts: Hosts, servers: readonly FoundServer[]): readonly Finding[] {
  return [...servers.flatMap((server) => lintServer(hosts, server)), ...lintTls(hosts, servers)];
}

function lintServer(hosts: Hosts, server: FoundServer): readonly Finding[] {
  const { name, delegateTo, named, homeserver, place } = server;
  const findings: Finding[] = [];
  const target = delegateTo?.host ?? name;
  if (named === 'its only host' && delegateTo === undefined && hosts.ports(name, true).length > 0) {
    findings.push({
      id: 'import-no-8448',
      severity: 'error',
      ...placed(place),
      what: `Nothing listens on port 8448 for ${name}, and https://${name}/.well-known/matrix/server does not say that other servers should come by another: none of them finds it.`,
      fix: `The sidecar listens on 8448: open that port to the internet, or add delegate_to: ${name}:443.`,
    });
  }
  if (named === 'guessed') {
    findings.push({
      id: 'import-server-name-guessed',
      severity: 'warning',
      ...placed(place),
      what: `This configuration has no document that says which server name ${target} is for; ${name} is a guess.`,
      fix: 'Compare it with server_name in homeserver.yaml; if it is another one, run this again with --server-name.',
    });
  }
  if (homeserver === undefined) {
    findings.push({
      id: 'import-homeserver-unknown',
      severity: 'error',
      ...placed(server.delegated ?? place),
      what: `${name} is delegated to ${delegateTo?.text}, and nothing in this configuration leads to the homeserver of that.`,
      fix: 'Name the configuration of that machine as well, or run this again with --homeserver.',
    });
  }
  return findings;
}

function lintTls(hosts: Hosts, servers: readonly FoundServer[]): readonly Finding[] {
  const findings: Finding[] = [];
  for (const host of hostsOf(servers)) {
    const port = hosts.mainPort(host);
    const site = port === undefined ? undefined : hosts.choose(host, port);
    if (site === undefined) continue;
    const tls = hosts.ports(host, true);
    if (tls.length === 0) {
      findings.push({
        id: 'import-no-tls',
        severity: 'warning',
        place: site.place,
        what: `${host} is served without TLS: something in front of this configuration has the certificates.`,
        fix: 'Let ports 443 and 8448 lead to the sidecar itself, or pass TCP through to it: it ends TLS and gets its certificates.',
      });
    } else if (!site.http2 && port !== 8448) {
      findings.push({
        id: 'import-no-http2',
        severity: 'info',
        place: site.place,
        what: `${host} is served without HTTP/2: a browser then has six requests at a time, of which /sync always takes one.`,
        fix: 'The sidecar speaks HTTP/2; nothing is to be done.',
      });
    }
  }
  return findings;
}

function placed(place: FoundServer['place']): { readonly place?: NonNullable<FoundServer['place']> } {
  return place === undefined ? {} : { place };
}
