import type { Finding } from '../base/finding.ts';
import type { HomeserverYaml } from './homeserver-yaml.ts';
import type { SidecarFacts } from './sidecar-facts.ts';

/** A list in a sentence names five at most. */
const MOST_NAMED = 5;

/** With whom Synapse federates, and how it finds their keys. Pure. */
export function lintFederation(yaml: HomeserverYaml, facts: SidecarFacts): Finding[] {
  return [...lintWhitelist(yaml), ...(facts.privateFederation ? lintPrivateFederation(yaml) : [])];
}

function lintWhitelist(yaml: HomeserverYaml): Finding[] {
  const allowed = yaml.federationDomainWhitelist;
  if (allowed === undefined) return [];
  const place = yaml.place(['federation_domain_whitelist']);
  if (allowed.length === 0) {
    const what = 'federation_domain_whitelist is empty: Synapse federates with nobody.';
    const fix =
      'Remove federation_domain_whitelist, or name the servers that are to be let in; if nobody is, all is well.';
    const lines = ['federation_domain_whitelist:', '  - example.org'];
    return [{ id: 'synapse-federation-closed', severity: 'error', place, what, fix, lines }];
  }
  const named = allowed.slice(0, MOST_NAMED).join(', ');
  const more = allowed.length > MOST_NAMED ? ` and ${allowed.length - MOST_NAMED} more` : '';
  return [
    {
      id: 'synapse-federation-whitelist',
      severity: 'info',
      place,
      what: `Synapse federates with ${named}${more} only; all others are refused with 403.`,
      fix: 'Nothing, if that is meant: add a server to federation_domain_whitelist when it is missing there.',
    },
  ];
}

/** In a network of one's own, Synapse's defaults are in the way. */
function lintPrivateFederation(yaml: HomeserverYaml): Finding[] {
  const found: Finding[] = [];
  if (yaml.ipRangeBlacklist === undefined) {
    found.push({
      id: 'synapse-private-addresses-refused',
      severity: 'info',
      place: yaml.place(['ip_range_blacklist']),
      what: 'Synapse connects to no private address by default, so it cannot reach peers on such addresses.',
      fix: 'If your peers have private addresses, list only what is to be refused.',
      lines: ['ip_range_blacklist: []'],
    });
  }
  const notaries = yaml.trustedKeyServers ?? ['matrix.org'];
  if (notaries.includes('matrix.org')) {
    found.push({
      id: 'synapse-public-notary',
      severity: 'info',
      place: yaml.place(['trusted_key_servers']),
      what: 'Synapse asks matrix.org for the keys of other servers, which cannot know those of a private network.',
      fix: 'In a network without a way to matrix.org, ask the servers themselves.',
      lines: ['trusted_key_servers: []', 'suppress_key_server_warning: true'],
    });
  }
  return found;
}
