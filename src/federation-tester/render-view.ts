import { formatHostPort } from '../base/address.ts';
import type { AddressFacts, Facts } from './facts.ts';
import { SYMPTOMS } from './finding-kinds.ts';
import { isGood } from './judge-address.ts';
import { readVersion } from './judge-answers.ts';
import { isDead, placeOf } from './judge-connections.ts';
import { formatDuration, tameLine } from './quote.ts';
import { describeOutcome } from './read-answer.ts';
import type { Finding, NotTested, Verdict } from './verdict.ts';

/** How a test ended, for people: `warned` works and has something to be mended; `unknown` could not be found out. */
export type Outcome = 'good' | 'warned' | 'bad' | 'unknown';

/** What is shown of one address. `skipped`: it was not connected to. */
export interface PlaceView {
  /** `192.0.2.1:8448` */
  readonly place: string;
  /** The name that led there. */
  readonly host: string;
  readonly state: 'good' | 'bad' | 'skipped';
  /** Short clauses: TLS, days of the certificate, version; or why there is nothing. */
  readonly seen: readonly string[];
}

/**
 * A report as people see it, on a terminal or on a page. Every text is one line without control characters: what
 * strangers have written is tamed here, once.
 */
export interface ReportView {
  readonly asked: string;
  readonly outcome: Outcome;
  readonly firstLine: string;
  readonly lastLine: string;
  /** The steps of server discovery, with the spec's numbers. */
  readonly steps: readonly { readonly step: string; readonly what: string }[];
  readonly places: readonly PlaceView[];
  readonly findings: readonly Finding[];
  /** The typical complaints that the findings are behind, in words. */
  readonly explains: readonly string[];
  readonly notTested: readonly NotTested[];
  /** Why the public tester would say something else; undefined when it would not. */
  readonly differs: string | undefined;
  /** In whose name requests were signed. */
  readonly signedBy: string | undefined;
  /** `420 ms`, `3.2 s` */
  readonly took: string;
}

/** Prepares a report for people. Pure; `now` in milliseconds since the epoch. */
export function viewReport(facts: Facts, verdict: Verdict, now: number): ReportView {
  const { findings, notTested, publicTester } = verdict;
  // A name that was mistyped is behind nobody's complaint.
  const explaining = facts.serverName.ok ? findings : [];
  return {
    asked: tameLine(facts.asked.slice(0, 300)),
    outcome: readOutcome(verdict),
    firstLine: tameLine(verdict.firstLine),
    lastLine: tameLine(verdict.lastLine),
    steps: (facts.resolution?.trace ?? []).map(({ step, what }) => ({ step, what: tameLine(what) })),
    places: facts.addresses.map((about) => viewPlace(about, facts, findings, now)),
    findings: findings.map(tameFinding),
    explains: [...new Set(explaining.flatMap(({ explains }) => explains))].map((symptom) => SYMPTOMS[symptom]),
    notTested: gatherAlike(notTested).map(({ what, why }) => ({ what: tameLine(what), why: tameLine(why) })),
    differs: publicTester.differs === undefined ? undefined : tameLine(publicTester.differs),
    signedBy: facts.addresses.some(({ signed }) => signed !== undefined) ? facts.identity : undefined,
    took: facts.took < 1000 ? `${Math.round(facts.took)} ms` : `${(facts.took / 1000).toFixed(1)} s`,
  };
}

function readOutcome({ federationOk, findings }: Verdict): Outcome {
  if (findings.some(({ severity }) => severity === 'error')) return 'bad';
  if (!federationOk) return 'unknown';
  return findings.some(({ severity }) => severity === 'warning') ? 'warned' : 'good';
}

function viewPlace(about: AddressFacts, facts: Facts, findings: readonly Finding[], now: number): PlaceView {
  const { host, refused } = about;
  const at = { place: formatHostPort(about.address, about.port), host: tameLine(host) };
  if (refused !== undefined) return { ...at, state: 'skipped', seen: [tameLine(refused)] };
  const { resolution } = facts;
  const blamed = findings.some(({ severity, evidence }) => severity === 'error' && names(evidence, placeOf(about)));
  const good = resolution !== undefined && isGood(about, resolution, now) && !blamed;
  const nothing = about.tls === undefined || isDead(about);
  const seen = nothing ? [describeOutcome(about.keys)] : [...listSeen(about, now)];
  return { ...at, state: good ? 'good' : 'bad', seen: seen.map(tameLine) };
}

/** Clauses of evidence begin with the place where it was seen. */
function names(evidence: readonly string[], place: string): boolean {
  return evidence.some((one) => one.split('; ').some((clause) => clause.startsWith(`${place}:`)));
}

function* listSeen({ tls, certificates, version }: AddressFacts, now: number): Generator<string> {
  if (tls !== undefined) yield tls.version;
  const [leaf] = certificates;
  if (leaf !== undefined) {
    const left = leaf.notAfter - now;
    const by = leaf.selfSigned ? ', self-signed' : ` by ${leaf.issuer}`;
    yield left > 0 ? `certificate${by}, ${formatDuration(left)} left` : `certificate${by}, expired`;
  }
  const homeserver = readVersion(version);
  if (homeserver !== undefined) yield [homeserver.name, homeserver.version].filter(Boolean).join(' ');
}

function tameFinding(finding: Finding): Finding {
  const { title, evidence, fix, lines } = finding;
  return {
    ...finding,
    title: tameLine(title),
    evidence: evidence.map(tameLine),
    fix: tameLine(fix),
    lines: lines.map(tameLine),
  };
}

/** What was not tested for the same reason stands on one line. */
function gatherAlike(notTested: readonly NotTested[]): readonly NotTested[] {
  const byReason = Map.groupBy(notTested, ({ why }) => why);
  return [...byReason].map(([why, alike]) => ({ why, what: [...new Set(alike.map(({ what }) => what))].join(', ') }));
}
