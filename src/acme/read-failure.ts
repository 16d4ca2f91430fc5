import { describeError } from '../base/errors.ts';
import { IssuanceFailed } from './issuance-failed.ts';
import { readIdentifier } from './names.ts';
import { AcmeProblem, type ProblemDocument } from './problem.ts';
import { LOCAL_PROBLEM } from './problem-kind.ts';
import type { Failure } from './record-order.ts';

/**
 * What the ledger keeps of anything that ended an attempt: a CA's own words, for several names as subproblems of one,
 * or a problem of the type LOCAL_PROBLEM where the CA was not the one who said no.
 */
export function readFailure(
  error: unknown,
): Required<Pick<Failure, 'problem' | 'challenges'>> & Pick<Failure, 'retryAfter'> {
  if (error instanceof AcmeProblem) return { problem: error.problem, retryAfter: error.retryAfter, challenges: [] };
  const local = { problem: localProblem(describeError(error)), challenges: [] };
  if (!(error instanceof IssuanceFailed)) return local;
  const challenges = error.failures.flatMap(({ name, challenge }) =>
    challenge === undefined ? [] : [{ name, type: challenge }],
  );
  const ofCa = error.failures.flatMap((failure) =>
    failure.error instanceof AcmeProblem ? { ...failure, problem: failure.error.problem } : [],
  );
  const [first] = ofCa;
  if (first === undefined) return { ...local, challenges };
  const identifierOf = (name: string) => readIdentifier(name).identifier;
  const subproblems = ofCa.map(({ name, problem }) => ({ ...problem, identifier: identifierOf(name) }));
  return { problem: { ...first.problem, identifier: identifierOf(first.name), subproblems }, challenges };
}

function localProblem(detail: string): ProblemDocument {
  return { type: LOCAL_PROBLEM, detail, status: 0, subproblems: [] };
}
