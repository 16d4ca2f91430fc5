import type { Finding } from '../base/finding.ts';
import { isPublicAddress } from '../base/public-address.ts';
import type { DnsFault } from '../discovery/resolution.ts';
import { writePlaceholderRecords } from '../federation-tester/write-lines.ts';
import type { Deployment, PublicPlace } from './deployment.ts';
import type { Row, Seen } from './row.ts';
import type { FindWhereabouts, Whereabouts } from './whereabouts.ts';

export function namesRow(host: string): string {
  return `dns:${host}`;
}

/** Whether a host that others are sent to has addresses that they can use. `places` are those of the host, one or more. */
export function checkName(
  host: string,
  places: readonly PublicPlace[],
  { reach }: Pick<Deployment, 'reach'>,
  find: FindWhereabouts,
): Row {
  const who = [...new Set(places.flatMap((place) => place.who))].join(' and ');
  return {
    id: namesRow(host),
    title: `${host} has an address`,
    needs: [],
    hint: `Check the DNS of ${host}, and the resolver of this machine.`,
    run: async (signal) => judge(host, who, await find(host, places[0]!.port, signal), reach),
  };
}

/** Where it is not the zone's fault. */
const FIXES: Readonly<Record<DnsFault, string>> = {
  silent: 'Let this machine reach its DNS server (UDP and TCP), or ask another one with --dns HOST:PORT.',
  refuses: 'Ask a DNS server that answers for this name: --dns HOST:PORT, or acme.resolvers in the configuration.',
};

function judge(host: string, who: string, found: Whereabouts, reach: Deployment['reach']): Seen {
  const { addresses, error, fault } = found;
  const make = (id: string, what: string, fix: string, lines: readonly string[]): Finding[] => [
    { id, severity: 'error', what, fix, ...(lines.length === 0 ? {} : { lines }) },
  ];
  if (error !== undefined) {
    const what = `The addresses of ${host}, where ${who} go, cannot be looked up: ${error}.`;
    const fix =
      fault === undefined
        ? `Make the name servers of the zone answer for ${host}; if they do, --dns HOST:PORT asks another DNS server.`
        : FIXES[fault];
    const because = `the addresses of ${host} cannot be looked up`;
    return { seen: 'no answer', findings: make('name-not-looked-up', what, fix, []), because };
  }
  if (addresses.length === 0) {
    const what = `${host}, where ${who} go, has no address.`;
    const fix = `Publish an address of ${host}: that of this machine, as the internet sees it, and an AAAA record as well if it has IPv6.`;
    const lines = writePlaceholderRecords(host);
    return {
      seen: 'neither A nor AAAA record',
      findings: make('name-without-address', what, fix, lines),
      because: `${host} has no address`,
    };
  }
  const hidden = reach === 'public' ? addresses.filter((address) => !isPublicAddress(address)) : [];
  const findings = hidden.flatMap((address) => {
    const what = `${host}, where ${who} go, has the address ${address}, to which only its own network knows the way.`;
    const fix = `Publish the address of ${host} that the internet sees.`;
    return make('name-private-address', what, fix, []);
  });
  return { seen: addresses.join(', '), findings };
}
