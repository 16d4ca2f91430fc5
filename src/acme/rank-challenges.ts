import { describeSpan } from './describe-time.ts';
import type { ChallengeRecord } from './ledger.ts';
import type { ChallengeType, Identifier } from './solver.ts';

/** Milliseconds for which a failure puts a type of challenge behind the others. */
const RECENT = 86_400_000;

/** What decides which challenges can be met, and in which order they are tried. */
export interface ChallengeFacts {
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  /** The types that are switched on, the preferred first. */
  readonly configured: readonly ChallengeType[];
  /** What the CA offers for this name; undefined before it was asked. */
  readonly offered: readonly ChallengeType[] | undefined;
  /** Which of our listeners are open. */
  readonly listeners: { readonly http: boolean; readonly https: boolean };
  /** How each type fared for this name. */
  readonly history: readonly ChallengeRecord[];
}

export interface ChallengeRanking {
  /** In the order in which to try them; empty where none is possible. */
  readonly types: readonly ChallengeType[];
  readonly excluded: readonly { readonly type: ChallengeType; readonly why: string }[];
  readonly why: string;
}

/**
 * In which order to try the types of challenge for one name: the one that worked last, then as configured; those that
 * failed within a day last, the one that failed longest ago first among them; none that cannot be met.
 */
export function rankChallenges(facts: ChallengeFacts, now: number): ChallengeRanking {
  const { identifier, wildcard, history } = facts;
  const excluded: { type: ChallengeType; why: string }[] = [];
  const possible: ChallengeType[] = [];
  for (const type of new Set(facts.configured)) {
    const why = whyImpossible(type, facts);
    if (why === undefined) possible.push(type);
    else excluded.push({ type, why });
  }
  const recordOf = (type: ChallengeType) => history.find((one) => one.type === type);
  const workedAt = (type: ChallengeType) => recordOf(type)?.workedAt ?? -Infinity;
  // A type that worked after it failed has made up for it.
  const failedAt = (type: ChallengeType) => {
    const at = recordOf(type)?.failedAt ?? -Infinity;
    return at > workedAt(type) && now - at < RECENT ? at : -Infinity;
  };
  const lastWorked = possible.reduce<ChallengeType | undefined>(
    (best, type) => (workedAt(type) > (best === undefined ? -Infinity : workedAt(best)) ? type : best),
    undefined,
  );
  const rank = (type: ChallengeType) => (type === lastWorked ? -1 : possible.indexOf(type));
  const byFailure = (a: ChallengeType, b: ChallengeType) =>
    failedAt(a) === failedAt(b) ? 0 : failedAt(a) < failedAt(b) ? -1 : 1;
  const types = [...possible].sort((a, b) => byFailure(a, b) || rank(a) - rank(b));
  const failures = types.flatMap((type) =>
    Number.isFinite(failedAt(type)) ? { type, ago: now - failedAt(type) } : [],
  );
  const name = `${wildcard ? '*.' : ''}${identifier.value}`;
  return { types, excluded, why: explain(name, types, excluded, lastWorked, failures) };
}

function whyImpossible(type: ChallengeType, facts: ChallengeFacts): string | undefined {
  const overDns = type === 'dns-01' || type === 'dns-persist-01';
  if (facts.wildcard && !overDns) return 'a wildcard name can only be proved over DNS';
  if (facts.identifier.type === 'ip' && overDns) return 'an address cannot be proved over DNS';
  if (type === 'http-01' && !facts.listeners.http) return 'it needs port 80 (listen.http), which is off';
  if (type === 'tls-alpn-01' && !facts.listeners.https) return 'it needs port 443 (listen.https), which is off';
  if (facts.offered !== undefined && !facts.offered.includes(type)) return 'the CA does not offer it';
  return undefined;
}

function explain(
  name: string,
  types: readonly ChallengeType[],
  excluded: ChallengeRanking['excluded'],
  lastWorked: ChallengeType | undefined,
  failures: readonly { readonly type: ChallengeType; readonly ago: number }[],
): string {
  const [first] = types;
  const left = excluded.map(({ type, why }) => `${type}: ${why}`).join('; ');
  if (first === undefined) {
    const why = left === '' ? 'none is configured' : left;
    return `No challenge can be met for ${name} (${why}). Open a listener or switch on another type in acme.challenges.`;
  }
  const preferred = first === lastWorked ? 'it worked last' : 'it is the first of those configured';
  const reasons = [
    failures.length === types.length ? 'its failure was longest ago' : preferred,
    ...failures.filter(({ type }) => type !== first).map(({ type, ago }) => `${type} failed ${describeSpan(ago)} ago`),
    ...(left === '' ? [] : [`not possible: ${left}`]),
  ];
  return `${first} is tried first for ${name}: ${reasons.join('; ')}.`;
}
