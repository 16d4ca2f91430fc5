import { isIP } from 'node:net';
import type { DnsClient } from '../base/dns.ts';
import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { Store } from '../store/store.ts';
import type { CaClock } from './ca-clock.ts';
import type { PlannedCa } from './ca-plan.ts';
import { describeKnownCa } from './known-ca.ts';
import type { Ledger } from './ledger.ts';
import { viewChallenges } from './ledger-views.ts';
import type { LoopBack } from './loop-back.ts';
import { type NameSet, readIdentifier } from './names.ts';
import type { AddressFact, CaaFact, LoopBackFact, NameFacts, PreflightFacts } from './preflight-facts.ts';
import { rankChallenges } from './rank-challenges.ts';
import type { ChallengeType } from './solver.ts';

/** Where it is noted that the store has been there before, and on which machine. */
const MARKER_KEY = 'acme/marker';
/** Labels above a name that are asked for CAA records; a name has at most 127. */
const MOST_LABELS = 20;

export interface GatherSlice {
  readonly challenges: readonly ChallengeType[];
  /** The configured one. */
  readonly profile: string | undefined;
  /** The configured CA has a staging sibling. */
  readonly hasStaging: boolean;
  readonly listeners: { readonly http: boolean; readonly https: boolean };
  readonly store: {
    /** For messages. */
    readonly name: string;
    readonly inContainer: boolean;
    readonly onVolume: boolean | undefined;
    /** What this machine or container calls itself; another one after the container was made anew. */
    readonly host: string;
  };
}

export interface GatherDeps {
  readonly system: System;
  readonly dns: DnsClient;
  readonly store: Store;
  readonly loopBack: LoopBack;
  /** As the keeper has just read it. */
  readonly ledger: Ledger;
  readonly clock: Pick<CaClock, 'ahead'>;
}

/** Finds out what decides whether an order can succeed. Never rejects but for the signal: what fails is a fact too. */
export async function gatherPreflight(
  set: NameSet,
  ca: PlannedCa,
  slice: GatherSlice,
  deps: GatherDeps,
  signal: AbortSignal,
): Promise<PreflightFacts> {
  const [names, store, known, accountUrl] = await Promise.all([
    Promise.all(set.names.map((name) => gatherName(name, deps.ledger, slice, deps, signal))),
    gatherStore(slice, deps),
    describeKnownCa(ca.ca, signal),
    ca.ca.knownAccountUrl(),
  ]);
  return {
    names,
    profile: set.requiredProfile ?? slice.profile,
    ca: { name: ca.limits.ca, ...known, hasStaging: slice.hasStaging, accountUrl, clockAhead: deps.clock.ahead() },
    store,
  };
}

async function gatherName(
  name: string,
  ledger: Ledger,
  slice: GatherSlice,
  deps: GatherDeps,
  signal: AbortSignal,
): Promise<NameFacts> {
  const { dns } = deps;
  const { identifier, wildcard } = readIdentifier(name);
  const challenges = rankChallenges(
    {
      identifier,
      wildcard,
      configured: slice.challenges,
      offered: undefined,
      listeners: slice.listeners,
      history: viewChallenges(ledger, name),
    },
    deps.system.now(),
  );
  if (identifier.type === 'ip') {
    return { name, a: undefined, aaaa: undefined, caa: undefined, loopBack: { kind: 'skipped' }, challenges };
  }
  const [a, aaaa, caa] = await Promise.all([
    findAddresses(identifier.value, 4, deps, signal),
    findAddresses(identifier.value, 6, deps, signal),
    findCaa(identifier.value, dns, signal),
  ]);
  signal.throwIfAborted();
  const reachable = a.kind === 'found' || aaaa.kind === 'found';
  const skip = wildcard || !reachable || !slice.listeners.http;
  return {
    name,
    a,
    aaaa,
    caa,
    loopBack: skip ? { kind: 'skipped' } : await loopBackTo(identifier.value, [a, aaaa], deps, signal),
    challenges,
  };
}

/** At the addresses that were found, one of each family, for the machine's own resolver may not know the name. */
async function loopBackTo(
  name: string,
  answers: readonly AddressFact[],
  { loopBack }: GatherDeps,
  signal: AbortSignal,
): Promise<LoopBackFact> {
  let outcome: LoopBackFact = { kind: 'skipped' };
  for (const answer of answers) {
    const [address] = answer.kind === 'found' ? answer.addresses : [];
    if (address === undefined || outcome.kind === 'ours' || outcome.kind === 'foreign') continue;
    const next = await loopBack.probe({ name, address }, signal);
    // What the first family said counts, where the second one says no more.
    if (outcome.kind === 'skipped' || next.kind !== 'failed') outcome = next;
  }
  return outcome;
}

/** As the machine resolves it, hosts file included: a private network may have its names there. */
async function findAddresses(
  name: string,
  family: 4 | 6,
  { system, dns }: GatherDeps,
  signal: AbortSignal,
): Promise<AddressFact> {
  let why: string | undefined;
  try {
    const addresses = (await dns.resolveAddresses(name, { signal })).filter((address) => isIP(address) === family);
    if (addresses.length > 0) return { kind: 'found', addresses };
  } catch (error) {
    why = describeError(error);
  }
  try {
    const local = (await system.lookup(name)).filter((one) => one.family === family).map(({ address }) => address);
    if (local.length > 0) return { kind: 'found', addresses: local };
  } catch {
    // What the DNS said stands.
  }
  return why === undefined ? { kind: 'none' } : { kind: 'failed', why };
}

/** The nearest name at or above `name` that has CAA records (RFC 8659 section 3). */
async function findCaa(name: string, dns: DnsClient, signal: AbortSignal): Promise<CaaFact> {
  const labels = name.split('.').slice(-MOST_LABELS);
  try {
    for (let above = 0; above < labels.length; above++) {
      const at = labels.slice(above).join('.');
      const records = await dns.resolveCaa(at, { signal });
      if (records.length > 0) return { kind: 'found', records, at };
    }
    return { kind: 'found', records: [], at: name };
  } catch (error) {
    return { kind: 'failed', why: describeError(error) };
  }
}

async function gatherStore({ store: slice }: GatherSlice, { store }: GatherDeps): Promise<PreflightFacts['store']> {
  const { host, ...place } = slice;
  try {
    const marker = await store.read(MARKER_KEY);
    if (marker === undefined) await store.write(MARKER_KEY, Buffer.from(`${host}\n`));
    // One that this very container left says nothing of whether the store outlives it.
    const markerFound = marker !== undefined && marker.toString().trim() !== host;
    return { ...place, unwritable: undefined, markerFound };
  } catch (error) {
    return { ...place, unwritable: describeError(error), markerFound: false };
  }
}
