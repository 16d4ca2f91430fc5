import { bad, type Parsed } from '../base/parsed.ts';
import { applyConnectTo } from '../discovery/connect-to.ts';
import { type DiscoveryDeps, type DiscoveryOptions, fetchWellKnownAt } from '../discovery/fetch-well-known.ts';
import type { Resolution } from '../discovery/resolution.ts';
import { resolve } from '../discovery/resolve.ts';
import { parseServerName, type ServerName, whyNotInDns } from '../matrix/server-name.ts';
import type { AddressFacts, Facts, WellKnownAt } from './facts.ts';
import { gatherOtherPort } from './gather-other-port.ts';
import { gatherOldServers, gatherOtherSrv } from './gather-srv.ts';
import type { Identity } from './identity.ts';
import { buildLargeTransaction } from './large-transaction.ts';
import { onePerFamily, type Place, probeAddress } from './probe-address.ts';
import { openTestBudget, type Patience, type TestBudget } from './test-budget.ts';

export interface TesterOptions {
  readonly connectTo?: DiscoveryOptions['connectTo'];
  /** Whether addresses that are not public may be asked. Never for strangers. */
  readonly allowPrivate: boolean;
  /** In whose name requests are signed. Without one, nothing is signed. */
  readonly identity?: Identity | undefined;
  /** Milliseconds for everything; 30 s when it is not given. */
  readonly total?: number;
  readonly patience?: Patience;
  /** Bytes of the large transaction; 12,000,000 when it is not given, and none at 0. */
  readonly largeBody?: number;
  /** A path of the tested server that is known to be answered after so many milliseconds only. */
  readonly hold?: { readonly target: string; readonly ms: number };
}

const TOTAL = 30_000;
const PATIENCE: Patience = { connect: 10_000, handshake: 10_000, answer: 10_000 };
/** Milliseconds that 12 MB may take. */
const LARGE_PATIENCE = 20_000;
const LARGE_BODY = 12_000_000;
/** Addresses of federation that are tested; each costs about ten connections. */
const MOST_ADDRESSES = 16;
/** Addresses of the web server with the well-known document. */
const MOST_WEB_ADDRESSES = 8;
const CONNECTIONS = 12;

/**
 * Looks at a server from outside: resolves its name once and asks every address on its own. Ends within `total`,
 * with what there is by then. Rejects with the reason of `signal` only; whatever the server does is in the facts.
 */
export async function gatherFacts(
  asked: string,
  deps: DiscoveryDeps,
  options: TesterOptions,
  signal: AbortSignal,
): Promise<Facts> {
  const { system, https } = deps;
  signal.throwIfAborted();
  const [at, start] = [system.now(), system.monotonic()];
  const serverName = readAsked(asked);
  const identity = options.identity?.serverName.text;
  const empty: Facts = { ...NOTHING, asked, serverName, at, took: 0, complete: true, identity };
  if (!serverName.ok) return empty;
  const slice = {
    total: options.total ?? TOTAL,
    patience: options.patience ?? PATIENCE,
    connections: CONNECTIONS,
  };
  const budget = openTestBudget(slice, { system, exchange: https }, signal);
  try {
    const found = await gather(serverName.value, deps, options, budget);
    return { ...empty, ...found, took: system.monotonic() - start, complete: !budget.isOver() };
  } finally {
    budget.close();
  }
}

function readAsked(asked: string): Parsed<ServerName> {
  const parsed = parseServerName(asked);
  const why = parsed.ok ? whyNotInDns(parsed.value) : undefined;
  return why === undefined ? parsed : bad(why);
}

const NOTHING = {
  resolution: undefined,
  wellKnownAt: [],
  otherSrv: [],
  oldServers: [],
  addresses: [],
  leftOut: 0,
  otherPort: undefined,
} as const;

async function gather(
  serverName: ServerName,
  deps: DiscoveryDeps,
  options: TesterOptions,
  budget: TestBudget,
): Promise<Partial<Facts>> {
  const discovery = {
    allowPrivate: options.allowPrivate,
    // Something has to be left for the rest.
    patience: (options.total ?? TOTAL) / 2,
    ...(options.connectTo === undefined ? {} : { connectTo: options.connectTo }),
  };
  const resolution = await budget.within((until) => resolve(serverName, deps, discovery, until));
  if (resolution === undefined) return {};
  const { places, leftOut } = listPlaces(resolution);
  const [addresses, wellKnownAt, srv] = await Promise.all([
    probeAll(places, resolution, deps, options, budget),
    gatherWellKnownAt(resolution, deps, options, budget),
    gatherSrv(resolution, places, deps, options, budget),
  ]);
  const otherPort = await gatherOtherPort(addresses, resolution, deps, options, budget);
  return { resolution, addresses, leftOut, wellKnownAt, ...srv, otherPort };
}

/** Every address of every destination once, in the order in which other servers try them. */
function listPlaces(resolution: Resolution): { places: readonly Place[]; leftOut: number } {
  const all = resolution.destinations.flatMap(({ host, port, addresses }) =>
    addresses.addresses.map((address): Place => ({ host, port, address })),
  );
  const places = [...new Map(all.map((place) => [`${place.address} ${place.port}`, place])).values()];
  const passedOver = resolution.srv.reduce((most, { records }) => Math.max(most, records.length), 0);
  const unseen = Math.max(0, passedOver - resolution.destinations.length);
  // The target `.` is no target.
  const leftOut = Math.max(0, places.length - MOST_ADDRESSES) + (resolution.destinations.length === 0 ? 0 : unseen);
  return { places: places.slice(0, MOST_ADDRESSES), leftOut };
}

function probeAll(
  places: readonly Place[],
  resolution: Resolution,
  { system }: DiscoveryDeps,
  options: TesterOptions,
  budget: TestBudget,
): Promise<AddressFacts[]> {
  const { identity, allowPrivate, hold } = options;
  const bytes = options.largeBody ?? LARGE_BODY;
  const transaction = buildLargeTransaction(bytes, {
    id: `check${system.randomBytes(8).toString('hex')}`,
    now: system.now(),
    destination: resolution.serverName.text,
    ...(identity === undefined ? {} : { identity }),
  });
  const to: ReadonlySet<Place> = bytes === 0 ? new Set() : onePerFamily(places);
  const large = { transaction, to, patience: LARGE_PATIENCE };
  const plan = { resolution, system, budget, allowPrivate, identity, large, hold };
  return Promise.all(places.map((place) => probeAddress(place, plan)));
}

async function gatherWellKnownAt(
  resolution: Resolution,
  deps: DiscoveryDeps,
  options: TesterOptions,
  budget: TestBudget,
): Promise<readonly WellKnownAt[]> {
  if (resolution.wellKnown === undefined) return [];
  const { host } = resolution.serverName;
  const { hops } = resolution.wellKnown;
  const at = applyConnectTo(options.connectTo ?? [], host, 443);
  const lookup = await budget.within((until) => deps.names.lookupHost(at.host, until));
  const addresses = lookup?.addresses.slice(0, MOST_WEB_ADDRESSES) ?? [];
  return Promise.all(
    addresses.map(async (address): Promise<WellKnownAt> => {
      // On the way, one or some of them were asked already.
      const known = hops.find((hop) => hop.url === hops[0]?.url && hop.address === address);
      if (known !== undefined) return { address, outcome: known.outcome };
      const place = { address, port: at.port };
      const hop = await budget.within((until) => fetchWellKnownAt(host, place, deps, options, until));
      return { address, outcome: hop?.outcome };
    }),
  );
}

async function gatherSrv(
  resolution: Resolution,
  places: readonly Place[],
  deps: DiscoveryDeps,
  options: TesterOptions,
  budget: TestBudget,
): Promise<Pick<Facts, 'otherSrv' | 'oldServers'>> {
  const otherSrv = await gatherOtherSrv(resolution, deps, budget);
  const lookups = [...resolution.srv, ...otherSrv];
  return { otherSrv, oldServers: await gatherOldServers(resolution, lookups, places, deps, options, budget) };
}
