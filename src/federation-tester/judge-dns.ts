import { isIP } from 'node:net';
import { formatHostPort } from '../base/address.ts';
import type { Destination, DnsFault, HostLookup, Resolution, SrvLookup } from '../discovery/resolution.ts';
import type { Facts } from './facts.ts';
import { COMMAND_OPTIONS, type Policy, type Remark } from './verdict.ts';
import { writeAddressRecord, writeDig, writePlaceholderRecords, writeSrvRecord } from './write-lines.ts';

/** What is wrong with the DNS records on the way to the server: addresses and SRV. */
export function* judgeDns(facts: Facts, resolution: Resolution, policy: Policy): Generator<Remark> {
  const { destinations } = resolution;
  const reachable = destinations.some((destination) => destination.addresses.addresses.length > 0);
  // A DNS that answers nothing at all is one trouble.
  const silent = destinations.some(({ addresses }) => addresses.error !== undefined);
  for (const lookup of resolution.srv) if (!silent) yield* judgeSrv(lookup, policy);
  for (const destination of destinations) yield* judgeDestination(destination, resolution, policy, reachable);
  if (destinations.length === 0 && !resolution.srv.some((lookup) => lookup.error !== undefined || isRefusal(lookup))) {
    yield noAddress(resolution.certificateName, undefined);
  }
  yield* judgePrivate(facts, policy);
  if (facts.leftOut > 0) {
    yield {
      id: 'too-many-addresses',
      evidence: `${facts.addresses.length} were tested, ${facts.leftOut} more were not`,
      fix: 'Publish a few addresses that work: other servers try some of them only, and wait for each that does not answer.',
    };
  }
}

/** A single record with the target `.`: the service is decidedly not available (RFC 2782). */
function isRefusal(lookup: SrvLookup): boolean {
  return lookup.records.length === 1 && lookup.records[0]!.target === '.';
}

function* judgeSrv(lookup: SrvLookup, policy: Policy): Generator<Remark> {
  if (lookup.error !== undefined) {
    yield {
      id: 'srv-lookup-failed',
      evidence: `${lookup.name}: ${lookup.error}`,
      fix: 'Make the name servers of the zone answer: "no such record" is an answer that other servers can live with, none is not.',
      lines: [writeDig('srv', lookup.name, policy.dnsServer)],
      ...blameServer(lookup.fault, lookup.name, policy),
    };
  }
  if (isRefusal(lookup)) {
    yield {
      id: 'srv-not-offered',
      evidence: `${lookup.name} has the target "."`,
      fix: `Remove the SRV record ${lookup.name}, or give it the host and port of your homeserver.`,
      lines: [writeSrvRecord(lookup.name, 8448, 'matrix.example.com')],
    };
  }
}

function* judgeDestination(
  destination: Destination,
  resolution: Resolution,
  policy: Policy,
  reachable: boolean,
): Generator<Remark> {
  const { host, port, addresses: lookup } = destination;
  const record = resolution.srv.find((one) => one.records.some((each) => each.target.toLowerCase() === host));
  const like = record?.records.find((each) => each.target.toLowerCase() === host && each.port === port);
  const less = reachable ? { severity: 'warning' as const } : {};
  if (record !== undefined && isIP(host) !== 0) {
    yield {
      id: 'srv-target-is-address',
      evidence: `${record.name} leads to "${host}", and has to name a host (RFC 2782)`,
      fix: 'Give the address a name, and the name to the SRV record: some servers look up the address as if it were one.',
      lines: [
        writeSrvRecord(record.name, port, 'matrix.example.com', like),
        writeAddressRecord('matrix.example.com', host),
      ],
    };
    return;
  }
  if (record !== undefined && lookup.cname !== undefined) {
    yield {
      id: 'srv-target-is-alias',
      evidence: `${record.name} leads to ${host}, which is an alias of ${lookup.cname}`,
      fix: `Name ${lookup.cname} itself in the SRV record, or give ${host} addresses of its own: some servers refuse aliases there (RFC 2782).`,
      lines: [writeSrvRecord(record.name, port, lookup.cname, like)],
    };
  }
  if (lookup.addresses.length > 0) return;
  if (lookup.error !== undefined) {
    yield { ...describeLookup(lookup, lookup.error, policy), ...less };
  } else if (destination.meant !== undefined && destination.meant.host !== host) {
    const { meant } = destination;
    yield {
      id: 'dns-no-address',
      title: 'A host that --connect-to names has no address',
      evidence: `--connect-to leads from ${formatHostPort(meant.host, meant.port)} to ${host}, which has no address`,
      fix: `Correct --connect-to: give an address instead of ${host}, or a host that has one.`,
      ...less,
    };
  } else if (record !== undefined) {
    yield {
      id: 'srv-target-without-address',
      evidence: `${record.name} leads to ${host}, which has neither A nor AAAA records`,
      fix: `Give ${host} an address, or name another target in the SRV record.`,
      lines: writePlaceholderRecords(host),
      ...less,
    };
  } else {
    yield { ...noAddress(host, resolution), ...less };
  }
}

function describeLookup({ host, fault }: HostLookup, error: string, policy: Policy): Remark {
  return {
    id: 'dns-lookup-failed',
    evidence: `${host}: ${error}`,
    fix: `Make the name servers of the zone answer for ${host}.`,
    lines: [writeDig('a', host, policy.dnsServer), writeDig('aaaa', host, policy.dnsServer)],
    ...blameServer(fault, host, policy),
  };
}

/** Where the fault is that of the DNS server that was asked and not of the zone, nothing was learned of the tested server. */
function blameServer(
  fault: DnsFault | undefined,
  name: string,
  { dnsServer, options = COMMAND_OPTIONS }: Policy,
): Partial<Pick<Remark, 'severity' | 'title' | 'fix'>> {
  const named = dnsServer !== undefined;
  // The machine's own answers for every name: where it refuses one, it may only pass on what the zone's servers say.
  if (fault === undefined || (fault === 'refuses' && !named)) return {};
  const { dns } = options;
  const server = named
    ? `the DNS server ${formatHostPort(dnsServer.host, dnsServer.port)}`
    : 'the DNS server of this machine';
  const severity = 'warning';
  if (fault === 'refuses') {
    const title = `${upperFirst(server)} refuses the name ${name}`;
    const fix = `Check the spelling of ${name}; if it is right, ask a DNS server that answers for it (${dns}).`;
    return { severity, title, fix };
  }
  const fix = named
    ? `Start ${server}, or correct ${dns}.`
    : `Let this machine reach its DNS server (/etc/resolv.conf names it), or name another one with ${dns}.`;
  return { severity, title: `${upperFirst(server)} does not answer`, fix };
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function noAddress(host: string, resolution: Resolution | undefined): Remark {
  const delegated = resolution?.wellKnown?.result.ok === true ? ' (named by m.server in the well-known document)' : '';
  return {
    id: 'dns-no-address',
    evidence: `${host}${delegated} has neither A nor AAAA records`,
    fix: `Publish the address of the machine that answers for ${host}.`,
    lines: writePlaceholderRecords(host),
  };
}

function* judgePrivate(facts: Facts, policy: Policy): Generator<Remark> {
  if (policy.reach === 'private') return;
  const hidden = facts.addresses.filter((about) => about.private);
  for (const about of hidden) {
    yield {
      id: 'address-private',
      evidence: `${about.host} is at ${about.address}, which only its own network can reach`,
      ...(isIP(about.host) === 0
        ? {
            fix: 'Publish the public address in the public DNS. If it is there already, and only the resolver of your own network says something else, test again with --dns 9.9.9.9:53.',
            lines: writePlaceholderRecords(about.host),
          }
        : {
            fix: 'Name a host or a public address in m.server. A server whose own name is a private address cannot be reached from outside.',
          }),
      ...(hidden.length < facts.addresses.length ? { severity: 'warning' as const } : {}),
    };
  }
}
