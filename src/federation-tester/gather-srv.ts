import { applyConnectTo, type ConnectTo } from '../discovery/connect-to.ts';
import type { DiscoveryDeps } from '../discovery/fetch-well-known.ts';
import { whyNotPublic } from '../discovery/refuse-private.ts';
import type { HostLookup, Resolution, SrvLookup } from '../discovery/resolution.ts';
import type { OldServersPlace } from './facts.ts';
import { MAX_KEYS, type Place } from './probe-address.ts';
import { TARGETS } from './probe-targets.ts';
import type { TestBudget } from './test-budget.ts';

/** Old records that are followed: they are few where there are any. */
const MOST_OLD = 2;

/**
 * The SRV records that the resolution did not need: the old name beside the new one, and the old name of the server
 * itself, which is all that servers without knowledge of well-known documents look at.
 */
export async function gatherOtherSrv(
  resolution: Resolution,
  { names }: DiscoveryDeps,
  budget: TestBudget,
): Promise<readonly SrvLookup[]> {
  const { serverName, srv } = resolution;
  if (serverName.kind !== 'dns' || serverName.port !== undefined) return [];
  const wanted = [`_matrix._tcp.${serverName.host}`];
  if (srv.length > 0) wanted.push(`_matrix._tcp.${resolution.certificateName}`);
  const missing = [...new Set(wanted)].filter((name) => !srv.some((lookup) => lookup.name === name));
  const lookups = await Promise.all(missing.map((name) => budget.within((until) => names.lookupSrv(name, until))));
  return lookups.filter((lookup) => lookup !== undefined);
}

/** Follows the old SRV record of the server name as a server before Synapse 0.99 would, if others go elsewhere. */
export async function gatherOldServers(
  resolution: Resolution,
  lookups: readonly SrvLookup[],
  places: readonly Place[],
  { names }: DiscoveryDeps,
  options: { readonly allowPrivate: boolean; readonly connectTo?: readonly ConnectTo[] | undefined },
  budget: TestBudget,
): Promise<readonly OldServersPlace[]> {
  const { serverName, step } = resolution;
  const name = `_matrix._tcp.${serverName.host}`;
  // Then it is the way that everybody goes.
  if (step === '5') return [];
  const used = resolution.srv.find((lookup) => lookup.records.length > 0)?.records ?? [];
  const everybodys = new Set(used.map(({ target, port }) => `${target}:${port}`));
  const records = (lookups.find((lookup) => lookup.name === name)?.records ?? []).filter(
    ({ target, port }) => !everybodys.has(`${target}:${port}`),
  );
  return Promise.all(
    records.slice(0, MOST_OLD).map(async (record): Promise<OldServersPlace> => {
      const none: HostLookup = { host: record.target, cname: undefined, addresses: [], error: undefined };
      const { host, port } = applyConnectTo(options.connectTo ?? [], record.target, record.port);
      const lookup = (await budget.within((until) => names.lookupHost(host, until))) ?? none;
      const address = lookup.addresses[0];
      const known = places.some((place) => place.port === port && lookup.addresses.includes(place.address));
      const refused = address === undefined || (!options.allowPrivate && whyNotPublic(address) !== undefined);
      if (known || refused) return { record, lookup, place: undefined };
      const keys = await budget.ask({
        address,
        port,
        certificateName: serverName.host,
        host: serverName.text,
        target: TARGETS.keys,
        maxBody: MAX_KEYS,
      });
      return { record, lookup, place: { host, port, address, keys } };
    }),
  );
}
