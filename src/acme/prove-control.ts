import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Ca } from './ca.ts';
import { chooseChallenge } from './choose-challenge.ts';
import type { NameFailure } from './issuance-failed.ts';
import { type Authorization, type Challenge, nameOf } from './order.ts';
import { pollUntil } from './patience.ts';
import { AcmeProblem } from './problem.ts';
import { describeSubproblems, isTransient } from './read-problem.ts';
import type { ChallengeTask, ChallengeType, Solver } from './solver.ts';

const MAX_STARTS = 3;

export interface ProveDeps {
  readonly ca: Ca;
  readonly solvers: ReadonlyMap<ChallengeType, Solver>;
  readonly system: System;
  readonly log: Log;
}

/** How it ended for one name. */
export interface Proof {
  readonly name: string;
  /** What showed control; undefined when it was shown before, or not at all. */
  readonly type: ChallengeType | undefined;
  /** What was tried in vain. The name is proved if `proved`, whatever this holds. */
  readonly failures: readonly NameFailure[];
  readonly proved: boolean;
  /** Whether there is another type to try in a new order: this authorization is spent. */
  readonly another: boolean;
}

/**
 * Shows control of one name, with the first challenge in `wanted` that can be met here and has not failed. A solver that
 * fails before the CA was told leaves the authorization as it is, so that the next type is tried in it. Rejects with an
 * AcmeProblem when the CA itself fails, or with the signal's reason.
 */
export async function proveControl(
  authorization: Authorization,
  wanted: readonly ChallengeType[],
  failedBefore: ReadonlySet<ChallengeType>,
  deps: ProveDeps,
  signal: AbortSignal,
): Promise<Proof> {
  const name = nameOf(authorization);
  const failures: NameFailure[] = [];
  const failed = new Set(failedBefore);
  const ended = (proved: boolean, type?: ChallengeType, another = false): Proof => ({
    name,
    type,
    failures,
    proved,
    another,
  });

  if (authorization.status === 'valid') return ended(true);
  if (authorization.status !== 'pending') {
    failures.push({ name, challenge: undefined, error: explainFailure(authorization, undefined, undefined) });
    return ended(false);
  }
  for (;;) {
    const choice = chooseChallenge(authorization, wanted, failed);
    if (choice.challenge === undefined) {
      if (failed.size === 0) failures.push({ name, challenge: undefined, error: noChallenge(name, choice.why) });
      return ended(false);
    }
    const { challenge, type } = choice;
    deps.log.debug({ name, challenge: type, why: choice.why }, `Showing control of ${name} by ${type}.`);
    failed.add(type);
    const result = await meetChallenge(authorization, challenge, type, deps, signal);
    if (result === undefined) return ended(true, type);
    failures.push({ name, challenge: type, error: result.error });
    deps.log.warn({ name, challenge: type, err: result.error }, result.error.message);
    if (result.spent) {
      return ended(false, undefined, chooseChallenge(authorization, wanted, failed).challenge !== undefined);
    }
  }
}

interface Unmet {
  readonly error: SidecarError;
  /** The CA has seen it fail: nothing else can be tried in this authorization. */
  readonly spent: boolean;
}

/** Presents, waits, tells the CA, polls, and cleans up, however it ended. Undefined when the CA is convinced. */
async function meetChallenge(
  authorization: Authorization,
  challenge: Challenge,
  type: ChallengeType,
  deps: ProveDeps,
  signal: AbortSignal,
): Promise<Unmet | undefined> {
  const { ca, log } = deps;
  const solver = deps.solvers.get(type)!;
  const { url, thumbprint } = await ca.account(signal);
  const { token = '', issuerDomainNames } = challenge;
  const task: ChallengeTask & { readonly issuerDomainNames: readonly string[] } = {
    type,
    identifier: authorization.identifier,
    wildcard: authorization.wildcard,
    token,
    keyAuthorization: token === '' ? '' : `${token}.${thumbprint}`,
    accountUrl: url,
    issuerDomainNames,
  };
  try {
    try {
      await solver.present(task, signal);
      await solver.wait?.(task, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { error: explainSolver(nameOf(authorization), type, error), spent: false };
    }
    const settled = await awaitValidation(authorization, challenge, deps, signal);
    if (settled.status === 'valid') return undefined;
    return { error: explainFailure(settled, type, challenge.url), spent: true };
  } finally {
    await solver.cleanUp(task).catch((error: unknown) => {
      const name = nameOf(authorization);
      log.warn(
        { name, challenge: type, err: error },
        `What ${type} needed was not taken away: ${describeError(error)}`,
      );
    });
  }
}

/** Tells the CA and polls. When telling it fails, the authorization shows whether it heard. */
async function awaitValidation(
  authorization: Authorization,
  challenge: Challenge,
  { ca, system }: ProveDeps,
  signal: AbortSignal,
): Promise<Authorization> {
  let starts = 0;
  let unheard: AcmeProblem | undefined;
  async function start(): Promise<void> {
    starts++;
    try {
      await ca.startChallenge(challenge.url, signal);
      unheard = undefined;
    } catch (error) {
      if (!(error instanceof AcmeProblem)) throw error;
      unheard = error;
    }
  }
  if (challenge.status === 'pending') await start();
  return pollUntil(
    {
      first: undefined,
      what: `the authorization of ${nameOf(authorization)}`,
      async read() {
        const now = await ca.readAuthorization(authorization.url, signal);
        if (unheard === undefined || stateOf(now, challenge.url) !== 'pending') return now;
        if (starts >= MAX_STARTS || !isTransient(unheard)) throw unheard;
        await start();
        return { ...now, retryAfter: unheard?.retryAfter ?? now.retryAfter };
      },
      settled: (now) => now.status !== 'pending' || stateOf(now, challenge.url) === 'invalid',
    },
    system,
    signal,
  );
}

/** `pending` while the CA has not begun with this challenge. */
function stateOf(authorization: Authorization, challengeUrl: string): Challenge['status'] | undefined {
  if (authorization.status !== 'pending') return undefined;
  return authorization.challenges.find(({ url }) => url === challengeUrl)?.status;
}

/** Why an authorization is not valid, in the CA's own words where it gave any. */
function explainFailure(
  authorization: Authorization,
  type: ChallengeType | undefined,
  challengeUrl: string | undefined,
): AcmeProblem {
  const ours = authorization.challenges.find(({ url }) => url === challengeUrl);
  const problem = ours?.error ??
    authorization.challenges.find(({ error }) => error !== undefined)?.error ?? {
      type: 'unauthorized',
      detail: `the CA says that the authorization is ${authorization.status}, and not why`,
      status: 200,
      subproblems: [],
    };
  const about = { ...problem, identifier: problem.identifier ?? authorization.identifier };
  const how = type === undefined ? '' : ` with ${type}`;
  return new AcmeProblem(about, `${nameOf(authorization)} could not be validated${how}${describeSubproblems(problem)}`);
}

function explainSolver(name: string, type: ChallengeType, error: unknown): SidecarError {
  const known = error instanceof SidecarError ? error : undefined;
  const { hint, retryAfter } = known ?? {};
  return new SidecarError(`${type} could not be prepared for ${name}: ${describeError(error)}`, {
    code: known?.code ?? 'acme-solver-failed',
    blame: known?.blame ?? 'us',
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function noChallenge(name: string, why: string): SidecarError {
  return new SidecarError(`${name} cannot be validated: ${why}.`, { code: 'acme-no-challenge', blame: 'operator' });
}
