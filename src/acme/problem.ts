import { SidecarError } from '../base/errors.ts';

/** A problem document of a CA (RFC 7807, RFC 8555 section 6.7), kept as it came. */
export interface ProblemDocument {
  /** Without `urn:ietf:params:acme:error:`; the whole type where it is another namespace's. */
  readonly type: string;
  readonly detail: string;
  /** HTTP status; 0 where the CA was not reached at all. */
  readonly status: number;
  /** The identifier a subproblem is about. */
  readonly identifier?: { readonly type: string; readonly value: string };
  readonly subproblems: readonly ProblemDocument[];
}

/** What went wrong with a CA: its own words, and when it may be asked again. */
export class AcmeProblem extends SidecarError {
  readonly problem: ProblemDocument;

  /** `retryAfter` in seconds, from Retry-After, whether it came as a number or a date. `hint` where there is more to do than to wait. */
  constructor(problem: ProblemDocument, what: string, retryAfter?: number, cause?: unknown, hint?: string) {
    super(`${what}: ${problem.detail}`, {
      code: problem.status === 0 ? 'acme-unreachable' : 'acme-refused',
      blame: 'remote',
      cause,
      ...(retryAfter === undefined ? {} : { retryAfter }),
      ...(hint === undefined ? {} : { hint }),
    });
    this.problem = problem;
  }
}
