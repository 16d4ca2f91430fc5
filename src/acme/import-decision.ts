import type { X509Certificate } from 'node:crypto';
import { SidecarError } from '../base/errors.ts';
import type { Certificate } from '../tls/certificate.ts';
import { isSelfSigned } from '../tls/chain.ts';
import { checkCertificate } from '../tls/check-certificate.ts';
import { coversName } from '../tls/covers-name.ts';
import { describeInstant } from './describe-time.ts';
import type { FoundCertificate } from './import-found.ts';
import type { NameSet } from './names.ts';
import { decideRenewal } from './renewal.ts';

export interface ImportFacts {
  /** The sets of names that the configuration needs certificates for. */
  readonly sets: readonly NameSet[];
  /** What the store has, by the id of the set. */
  readonly held: ReadonlyMap<string, Pick<Certificate, 'notAfter' | 'fingerprint256'>>;
  /** The directories of the configured CAs, the first one first; at least one. */
  readonly directories: readonly [string, ...string[]];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** What clients trust without being told. */
  readonly roots: readonly X509Certificate[];
}

/** A certificate that is to be stored for a set of names. */
export interface TakenCertificate {
  readonly set: NameSet;
  readonly found: FoundCertificate;
  readonly certificate: Certificate;
  /** The directory's URL that is stored with it. */
  readonly directory: string;
  /** What the operator should know about it, a sentence each. */
  readonly notes: readonly string[];
}

/** What to take of what was found. Each that was found is in one of the lists; one that fits several sets is taken for each. */
export interface ImportDecision {
  readonly take: readonly TakenCertificate[];
  readonly leave: readonly { readonly found: FoundCertificate; readonly why: string; readonly present: boolean }[];
}

interface Candidate {
  readonly found: FoundCertificate;
  readonly certificate: Certificate;
  readonly directory: string;
}

/**
 * Which certificates are taken over: for each set the one that a configured CA signed and that lives longest, unless
 * the store has one that lives as long. Pure.
 */
export function decideImport(found: readonly FoundCertificate[], facts: ImportFacts): ImportDecision {
  const take: TakenCertificate[] = [];
  const leave: ImportDecision['leave'][number][] = [];
  const candidates: Candidate[] = [];
  for (const one of found) {
    const judged = judgeAlone(one, facts);
    if (typeof judged === 'string') leave.push({ found: one, why: judged, present: false });
    else candidates.push(judged);
  }
  const reasons = new Map<Candidate, { why: string; present: boolean }>();
  for (const set of facts.sets) {
    const fitting = candidates.filter(({ certificate }) => covers(certificate, set)).sort(byWorth(facts));
    const [best, ...others] = fitting;
    if (best === undefined) continue;
    for (const other of others) reasons.set(other, { why: explainLoss(other, best, facts), present: false });
    const kept = keepStored(best, set, facts);
    if (kept === undefined) take.push(takeFor(set, best, facts));
    else reasons.set(best, kept);
  }
  const taken = new Set(take.map((one) => one.found));
  for (const [{ found: one }, reason] of reasons) if (!taken.has(one)) leave.push({ found: one, ...reason });
  return { take, leave };
}

/** Why a certificate is of no use for any of the sets, or what it is if it is of use. */
function judgeAlone(found: FoundCertificate, facts: ImportFacts): Candidate | string {
  const { outcome, useless } = found;
  if (outcome instanceof SidecarError) return [outcome.message, outcome.hint].filter(Boolean).join(' ');
  const fitting = facts.sets.filter((set) => covers(outcome, set));
  const [first] = fitting;
  if (first === undefined) return explainMisfit(outcome, facts.sets);
  if (useless !== undefined) return useless;
  if (isSelfSigned(outcome.leaf)) return 'It is self-signed, so nobody trusts it.';
  const directory = matchDirectory(found.directory, facts.directories);
  const isStaging = /staging|test-api/.test(directory) || outcome.leaf.issuer.includes('STAGING');
  if (isStaging && !facts.directories.includes(directory)) return 'It is from a staging CA, which nobody trusts.';
  const [error] = check(outcome, first, facts).filter(({ severity }) => severity === 'error');
  if (error !== undefined) return `${error.what} ${error.fix}`;
  return { found, certificate: outcome, directory };
}

function covers(certificate: Certificate, set: NameSet): boolean {
  return set.names.every((name) => coversName(certificate, name));
}

function check(certificate: Certificate, set: NameSet, { now, roots }: ImportFacts) {
  return checkCertificate(certificate, { names: set.names, now, roots });
}

function explainMisfit(certificate: Certificate, sets: readonly NameSet[]): string {
  const names = [...certificate.dnsNames, ...certificate.ipAddresses].join(', ') || 'no name at all';
  const partly = sets.find((set) => set.names.some((name) => coversName(certificate, name)));
  if (partly === undefined) return `It is for ${names}, which this configuration does not need.`;
  const missing = partly.names.filter((name) => !coversName(certificate, name));
  return `It is for ${names}, and lacks ${missing.join(', ')}, which has to be on the same certificate.`;
}

/** As the configuration writes it, where it means the same; the first configured one where nothing is known. */
function matchDirectory(directory: string | undefined, configured: ImportFacts['directories']): string {
  if (directory === undefined) return configured[0];
  const plain = (url: string): string => new URL(url).href.replace(/\/$/, '');
  return configured.find((url) => plain(url) === plain(directory)) ?? directory;
}

/** From a configured CA, then good for longest, then with the fewest names beyond those that are needed. */
function byWorth({ directories }: ImportFacts): (a: Candidate, b: Candidate) => number {
  const configured = ({ directory }: Candidate): number => Number(directories.includes(directory));
  const names = ({ certificate }: Candidate): number => certificate.dnsNames.length + certificate.ipAddresses.length;
  return (a, b) =>
    configured(b) - configured(a) || b.certificate.notAfter - a.certificate.notAfter || names(a) - names(b);
}

function explainLoss(loser: Candidate, winner: Candidate, { directories }: ImportFacts): string {
  const { where } = winner.found;
  if (loser.certificate.fingerprint256 === winner.certificate.fingerprint256) return `It is the same as ${where}.`;
  const foreign = directories.includes(winner.directory) && !directories.includes(loser.directory);
  if (foreign) return `${where} has the same names, and is from a CA that is configured.`;
  const longer = winner.certificate.notAfter > loser.certificate.notAfter;
  return `${where} has the same names, and is good for ${longer ? 'longer' : 'as long'}.`;
}

function keepStored({ certificate }: Candidate, set: NameSet, { held }: ImportFacts) {
  const stored = held.get(set.id);
  if (stored === undefined || stored.notAfter < certificate.notAfter) return undefined;
  if (stored.fingerprint256 === certificate.fingerprint256)
    return { why: 'It is in the store already.', present: true };
  const until = describeInstant(stored.notAfter);
  return {
    why: `The store has one for ${list(set)} that is good until ${until}, no shorter than this one.`,
    present: true,
  };
}

function takeFor(set: NameSet, { found, certificate, directory }: Candidate, facts: ImportFacts): TakenCertificate {
  const notes = check(certificate, set, facts).map(({ what, fix }) => `${what} ${fix}`);
  if (!facts.directories.includes(directory)) {
    notes.push(
      `It is from ${directory}, which is not configured: it is served until the sidecar has ordered another from ${facts.directories[0]}.`,
    );
  } else if (decideRenewal({ certificate }, facts.now, () => 0).renew) {
    notes.push('It is due for renewal, so the sidecar orders the next one as soon as it runs.');
  }
  return { set, found, certificate, directory, notes };
}

function list({ names }: NameSet): string {
  return names.join(', ');
}
