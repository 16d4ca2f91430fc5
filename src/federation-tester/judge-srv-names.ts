import type { Resolution, SrvLookup } from '../discovery/resolution.ts';
import type { Facts, OldServersPlace } from './facts.ts';
import { meantPlace } from './meant-place.ts';
import { describeOutcome } from './read-answer.ts';
import { areKeysGood, readKeys } from './read-keys.ts';
import type { Remark } from './verdict.ts';
import { writeSrvRecord } from './write-lines.ts';

const NEW = '_matrix-fed._tcp.';
const OLD = '_matrix._tcp.';

/**
 * The two names that SRV records have had: `_matrix._tcp` from the beginning, `_matrix-fed._tcp` since version 1.8 of
 * the specification. Newer servers ask for the new name first, older ones for the old name only.
 */
export function* judgeSrvNames(facts: Facts, resolution: Resolution, now: number): Generator<Remark> {
  const lookups = [...resolution.srv, ...facts.otherSrv];
  const stale = [...judgeOldServers(facts, now)];
  yield* stale;
  const base = ['3.3', '3.4', '4', '5'].includes(resolution.step) ? resolution.certificateName : undefined;
  const newer = base === undefined ? undefined : lookups.find(({ name }) => name === `${NEW}${base}`);
  const older = base === undefined ? undefined : lookups.find(({ name }) => name === `${OLD}${base}`);
  if (newer === undefined || older === undefined || stale.length > 0) return;
  if (newer.error !== undefined || older.error !== undefined) return;
  if (newer.records.length === 0) {
    yield {
      id: 'srv-old-name-only',
      evidence: `${older.name} exists, ${newer.name} does not`,
      fix: 'Publish the SRV record under the new name (_matrix-fed._tcp) as well: the old one is deprecated since version 1.8 of the specification.',
      lines: recordsOf(older, newer.name),
    };
  } else if (older.records.length === 0) {
    yield {
      id: 'srv-new-name-only',
      evidence: `${newer.name} exists, ${older.name} does not`,
      fix: 'Publish the SRV record under the old name (_matrix._tcp) as well, for servers that know only that one.',
      lines: recordsOf(newer, older.name),
    };
  } else if (placesOf(newer) !== placesOf(older)) {
    yield {
      id: 'srv-names-disagree',
      evidence: `${newer.name} leads to ${placesOf(newer)}, ${older.name} to ${placesOf(older)}`,
      fix: 'Publish the same SRV records under both names, _matrix-fed._tcp and _matrix._tcp.',
      lines: recordsOf(newer, older.name),
    };
  }
}

/** Servers that know no well-known documents (Synapse before 0.99) follow the SRV record for as long as it is there. */
function* judgeOldServers(facts: Facts, now: number): Generator<Remark> {
  const name = facts.serverName.ok ? facts.serverName.value.text : '';
  for (const { record, lookup, place } of facts.oldServers) {
    const where = `${OLD}${name} leads to ${record.target}:${record.port}`;
    const why = whyUnusable(place, lookup.addresses.length, name, now);
    if (why === undefined) continue;
    yield {
      id: 'srv-stale',
      evidence: `${where}, ${why}`,
      fix: `Remove the SRV record ${OLD}${name}, or let it lead to where the other servers go: servers that look at nothing else follow it.`,
      ...staleLines(facts, name),
    };
  }
}

function whyUnusable(
  place: OldServersPlace['place'],
  addresses: number,
  name: string,
  now: number,
): string | undefined {
  if (addresses === 0) return 'which has no address';
  // Without an outcome it is one of the places that are judged by themselves, or the time was over.
  if (place?.keys === undefined) return undefined;
  if (areKeysGood(readKeys(place.keys, name), name, now)) return undefined;
  const seen = place.keys.ok ? `which answers ${describeOutcome(place.keys)} and has no keys of ${name}` : undefined;
  return seen ?? `where ${describeOutcome(place.keys)}`;
}

function staleLines(facts: Facts, name: string): { lines?: readonly string[] } {
  const right = facts.resolution === undefined ? undefined : meantPlace(facts.resolution);
  return right === undefined ? {} : { lines: [writeSrvRecord(`${OLD}${name}`, right.port, right.host)] };
}

function placesOf(lookup: SrvLookup): string {
  return lookup.records
    .map(({ target, port }) => `${target}:${port}`)
    .sort()
    .join(', ');
}

function recordsOf(lookup: SrvLookup, name: string): readonly string[] {
  return lookup.records.map((record) => writeSrvRecord(name, record.port, record.target, record));
}
