import { isIPv6 } from 'node:net';
import type { Resolution, WellKnownProblem } from '../discovery/resolution.ts';
import { coversName } from '../tls/covers-name.ts';
import { collectFindings } from './collect-findings.ts';
import type { AddressFacts, Facts } from './facts.ts';
import { FINDING_KINDS } from './finding-kinds.ts';
import { isGood, judgeAddress } from './judge-address.ts';
import { isDead, judgeConnections, listUnreachable, placeOf } from './judge-connections.ts';
import { judgeDifferences } from './judge-differences.ts';
import { judgeDns } from './judge-dns.ts';
import { LARGE_REQUEST, listUntested } from './judge-requests.ts';
import { judgeSrvNames } from './judge-srv-names.ts';
import { judgeWellKnown } from './judge-well-known.ts';
import { judgeWellKnownAddresses } from './judge-well-known-addresses.ts';
import { judgeAsPublicTester } from './public-rule.ts';
import { describeOutcome } from './read-answer.ts';
import { readKeys } from './read-keys.ts';
import { summarize } from './summarize.ts';
import { toAsciiName } from './to-ascii-name.ts';
import type { Finding, NotTested, Policy, Remark, Verdict } from './verdict.ts';

/**
 * Judges what was seen. Pure: the same facts, policy and time (`now`, milliseconds since the epoch) give the same
 * verdict. It starts false and becomes true by proof only: at least one address is good, every address that takes
 * connections is good, and nothing is an error.
 */
export function judge(facts: Facts, policy: Policy, now: number): Verdict {
  const findings = collectFindings([...listRemarks(facts, policy, now)]);
  const federationOk = isProven(facts, findings, now);
  const notTested = listNotTested(facts);
  const ours = { federationOk, findings, notTested };
  return { ...ours, publicTester: judgeAsPublicTester(facts, federationOk, now), ...summarize(facts, ours) };
}

function isProven({ resolution, addresses }: Facts, findings: readonly Finding[], now: number): boolean {
  if (resolution === undefined || findings.some(({ severity }) => severity === 'error')) return false;
  const counted = addresses.filter((about) => about.refused === undefined && !isDead(about));
  return counted.length > 0 && counted.every((about) => isGood(about, resolution, now));
}

function* listRemarks(facts: Facts, policy: Policy, now: number): Generator<Remark> {
  const { resolution, serverName, addresses } = facts;
  if (!serverName.ok) {
    yield {
      id: 'name-invalid',
      evidence: serverName.why,
      fix: `Give what stands after the colon in @alice:example.com${suggestName(facts.asked)}.`,
    };
    return;
  }
  if (resolution !== undefined) {
    const home = leadsHome(addresses, resolution);
    const works = addresses.some((about) => isGood(about, resolution, now));
    const wellKnown = [...judgeWellKnown(resolution, { home, works, policy })];
    yield* wellKnown;
    yield* judgeWellKnownAddresses(facts);
    if (home || wellKnown.length === 0 || isFallbackMeant(facts, resolution)) {
      yield* judgeWhereItLeads(facts, resolution, policy, now);
    }
  }
  if (!facts.complete) {
    yield {
      id: 'test-incomplete',
      evidence: `the test was ended after ${Math.round(facts.took / 1000)} s`,
      fix: 'Look at what is slow: other servers have as little patience.',
    };
  }
}

/** The name in a URL or in an id, and how the DNS, and so Matrix, writes a name with letters of other alphabets. */
function suggestName(asked: string): string {
  if (asked.length > 300) return '';
  const name = /^[a-z]+:\/\/([^/?#]+)/i.exec(asked)?.[1] ?? /^[@#!+][^:]*:(.+)$/s.exec(asked)?.[1] ?? asked;
  const written = toAsciiName(name);
  return written === undefined || written === asked ? '' : `, here ${written}`;
}

/**
 * Whether what is found at the end of the way without a well-known document counts by itself. Where a document could be
 * read and is wrong, servers were meant to go elsewhere, and nobody at port 8448 is a mere consequence. Where it could not
 * be read, nobody knows whether there is one; and whoever does listen on port 8448 is there for other servers.
 */
function isFallbackMeant({ addresses }: Facts, { wellKnown }: Resolution): boolean {
  if (wellKnown === undefined || wellKnown.result.ok) return true;
  const { hops } = wellKnown;
  // Whoever redirects has something to lead to.
  const moved = hops.at(-1)?.url !== hops[0]?.url;
  if (UNREAD.has(wellKnown.result.problem) && !moved) return true;
  return addresses.some((about) => about.keys !== undefined && !isDead(about));
}

const UNREAD: ReadonlySet<WellKnownProblem> = new Set([
  'connection',
  'untrusted',
  'not-200',
  'no-address',
  'private-address',
]);

/**
 * Whether the way without a well-known document is the one that was meant: SRV records say so, or who is at the end of it
 * has this server's keys or a certificate for its name.
 */
function leadsHome(addresses: readonly AddressFacts[], { step, serverName, certificateName }: Resolution): boolean {
  if (step === '4' || step === '5') return true;
  return addresses.some(({ keys, certificates: [leaf] }) => {
    const isOurs = readKeys(keys, serverName.text)?.serverName === serverName.text;
    return isOurs || (leaf !== undefined && coversName(leaf, certificateName));
  });
}

function* judgeWhereItLeads(facts: Facts, resolution: Resolution, policy: Policy, now: number): Generator<Remark> {
  yield* judgeDns(facts, resolution, policy);
  yield* judgeSrvNames(facts, resolution, now);
  yield* judgeConnections(facts, resolution, now);
  const differences = [...judgeDifferences(facts.addresses, resolution.serverName.text)];
  const alone = differences.length === 0;
  const judged = facts.addresses.map((about) => ({
    about,
    remarks: [...judgeAddress(about, resolution, policy, now, alone)],
  }));
  const elsewhere = findElsewhere(judged);
  if (elsewhere !== undefined) return yield elsewhere;
  for (const { about, remarks } of judged) {
    for (const remark of remarks) yield { ...remark, evidence: `${placeOf(about)}: ${remark.evidence}` };
  }
  yield* differences;
}

interface Judged {
  readonly about: AddressFacts;
  readonly remarks: readonly Remark[];
}

/** An AAAA record that leads to another machine (a hoster's, an old one) is one mistake, however much is wrong there. */
function findElsewhere(judged: readonly Judged[]): Remark | undefined {
  const alive = judged.filter(({ about }) => about.keys !== undefined && !isDead(about));
  const [six, four] = [
    alive.filter(({ about }) => isIPv6(about.address)),
    alive.filter(({ about }) => !isIPv6(about.address)),
  ];
  const isBad = ({ remarks }: Judged): boolean => remarks.some(isStranger);
  if (six.length === 0 || four.length === 0 || !six.every(isBad) || four.some(isBad)) return undefined;
  return {
    id: 'ipv6-elsewhere',
    evidence: six
      .map(({ about, remarks }) => `${placeOf(about)}: ${remarks.map(({ id }) => FINDING_KINDS[id].title).join(', ')}`)
      .join('; '),
    fix: 'Correct the AAAA record, or remove it: servers with IPv6 go there first.',
    lines: six.map(({ about }) => `${about.host}. IN AAAA ${about.address}   ; is another machine`),
  };
}

/** Signs of another machine, where those of a badly kept one (an expired certificate, say) are no such signs. */
function isStranger({ id }: Remark): boolean {
  return /^(tls-(missing|wrong-name|self-signed|handshake-failed|silent)|keys-(not-served|not-json|wrong-server|redirected))$/.test(
    id,
  );
}

function listNotTested(facts: Facts): readonly NotTested[] {
  const { addresses, identity, serverName } = facts;
  const name = serverName.ok ? serverName.value.text : '';
  // Nobody else is asked any of it.
  const itself = addresses.filter(({ keys }) => readKeys(keys, name)?.serverName === name);
  const all = [...listUnreachable(facts), ...itself.flatMap((about) => [...listUntested(about, identity)])];
  // One address of each family is sent the large request, for all of them.
  const sent = addresses.some(({ body }) => body !== undefined);
  const told = all.filter(({ what, why }) => !(sent && what === LARGE_REQUEST && why === describeOutcome(undefined)));
  return told.filter(({ what, why }, index) => told.findIndex((one) => one.what === what && one.why === why) === index);
}
