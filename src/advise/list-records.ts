import type { DnsRecord } from './advice.ts';
import type { AdvisedCertificate, AdvisedServer, Deployment } from './advised-server.ts';
import type { ProofDecision } from './decide-proof.ts';
import type { FederationWay } from './list-ways.ts';
import { absolute, PLACEHOLDER_V4, PLACEHOLDER_V6, quoteText } from './zone-file.ts';

const TTL = 3600;

export interface RecordFacts {
  readonly server: AdvisedServer;
  readonly ways: readonly FederationWay[];
  readonly certificates: readonly AdvisedCertificate[];
  readonly proofs: readonly ProofDecision[];
  readonly acme: Deployment['acme'];
}

/** Every DNS record that one server name needs, and as comments those that only some need. */
export function listRecords(facts: RecordFacts): readonly DnsRecord[] {
  const hosts = listOwnHosts(facts.server);
  const proofs = facts.proofs.flatMap(({ records }) => records);
  return [...hosts.flatMap(addressesOf), ...listSrv(facts), ...proofs, ...listCaa(facts)];
}

/** The host names that have to lead to this sidecar. A name whose website is elsewhere stays where it is. */
function listOwnHosts({ serverName, delegateTo, apex, rtc }: AdvisedServer): readonly string[] {
  const hosts: string[] = [];
  if (serverName.kind === 'dns' && apex === 'here') hosts.push(serverName.host);
  if (delegateTo?.kind === 'dns') hosts.push(delegateTo.host);
  if (rtc?.host !== undefined) hosts.push(rtc.host);
  return [...new Set(hosts)];
}

function addressesOf(host: string): DnsRecord[] {
  const common = {
    name: absolute(host),
    ttl: TTL,
    needed: true,
    why: `${host} leads to this machine; no AAAA without IPv6`,
  };
  return [
    { ...common, type: 'A', data: PLACEHOLDER_V4 },
    { ...common, type: 'AAAA', data: PLACEHOLDER_V6 },
  ];
}

/** RFC 2782: priority, weight, port, target. The server-server API names the service `matrix-fed` since v1.8. */
function listSrv({ server, ways }: RecordFacts): DnsRecord[] {
  const way = ways.find((one) => one.by === 'srv');
  if (way === undefined) return [];
  const data = `10 0 ${way.port} ${absolute(way.host)}`;
  const record = (service: string, why: string): DnsRecord => {
    return {
      name: absolute(`${service}._tcp.${server.serverName.host}`),
      ttl: TTL,
      type: 'SRV',
      data,
      why,
      needed: true,
    };
  };
  return [
    record('_matrix-fed', 'where other servers go (priority, weight, port, target)'),
    record('_matrix', 'the same for servers that only know the old name (deprecated since Matrix 1.8)'),
  ];
}

/** Where somebody has limited who may sign (RFC 8659), our CA has to be among them. */
function listCaa({ certificates, acme }: RecordFacts): DnsRecord[] {
  const { issuer } = acme;
  if (issuer === undefined) return [];
  const names = certificates
    .filter(({ source }) => source.kind === 'acme' && source.profile === undefined)
    .flatMap((certificate) => certificate.names.map(({ name }) => name));
  // A record of a name holds for all names below it.
  const tops = [...new Set(names)].filter((name) => !names.some((other) => name.endsWith(`.${other}`)));
  return tops.map((name) => ({
    name: absolute(name),
    ttl: TTL,
    type: 'CAA',
    data: `0 issue ${quoteText(issuer)}`,
    why: `only where CAA records exist at or above ${name}: ${acme.ca} has to be among them`,
    needed: false,
  }));
}
