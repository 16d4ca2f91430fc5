import type { Authorization, Challenge } from './order.ts';
import type { ChallengeType } from './solver.ts';

/** Which challenge of an authorization is met, or why none can be. */
export type ChallengeChoice =
  | { readonly challenge: Challenge; readonly type: ChallengeType; readonly why: string }
  | { readonly challenge: undefined; readonly why: string };

/**
 * The first type in `wanted` that the CA offers and that has not failed for this name. `wanted` are the types that can be
 * met here, the best first.
 */
export function chooseChallenge(
  authorization: Authorization,
  wanted: readonly ChallengeType[],
  failed: ReadonlySet<ChallengeType>,
): ChallengeChoice {
  const usable = authorization.challenges.filter(({ status }) => status !== 'invalid').filter(hasWhatItNeeds);
  for (const type of wanted) {
    if (failed.has(type)) continue;
    const challenge = usable.find((one) => one.type === type);
    if (challenge !== undefined) return { challenge, type, why: `${type} is the first that the CA offers here` };
  }
  const offered = usable.map(({ type }) => type).join(', ') || 'nothing';
  const here = wanted.filter((type) => !failed.has(type)).join(', ') || 'nothing else';
  return { challenge: undefined, why: `the CA offers ${offered}, and here ${here} can be tried` };
}

function hasWhatItNeeds({ type, token, issuerDomainNames }: Challenge): boolean {
  return type === 'dns-persist-01' ? issuerDomainNames.length > 0 : token !== undefined;
}
