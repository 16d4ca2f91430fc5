import type { ProblemDocument } from './problem.ts';

/**
 * What can be done about a problem:
 * - `validation`: the CA could not see the proof (yet); worth trying again.
 * - `needs-change`: it stays so until somebody changes something.
 * - `rate-limited`: not before an instant that the CA may have named.
 * - `paused`: the CA takes no orders for these names until somebody tells it to.
 * - `ca-trouble`: the CA or the way to it is out of order; nothing of ours is wrong.
 * - `local`: it failed on our side before the CA looked at anything.
 */
export type ProblemKind = 'validation' | 'needs-change' | 'rate-limited' | 'paused' | 'ca-trouble' | 'local';

/** The type of the problem that stands for a failure on our side; no CA sends it. */
export const LOCAL_PROBLEM = 'local-failure';

/** The type of the problem that stands for an address at which there is no directory; no CA sends it. */
export const NO_DIRECTORY = 'no-directory';

export interface ProblemJudgement {
  readonly kind: ProblemKind;
  /** What to do, one sentence; undefined where only time helps. */
  readonly advice: string | undefined;
  /** Another CA might well judge otherwise: its own trouble, its own limits, its own rules. */
  readonly ofThisCa: boolean;
}

/** RFC 8555 section 6.7, RFC 8657 and the drafts on profiles: types that do not heal, and what to change. */
const CHANGES: Readonly<Record<string, { readonly advice: string; readonly ofThisCa: boolean }>> = Object.freeze({
  rejectedIdentifier: {
    advice: 'The CA does not sign for this name: use another name, or another CA (acme.directory).',
    ofThisCa: true,
  },
  unsupportedIdentifier: {
    advice: 'The CA does not sign for this kind of name: use a DNS name, or another CA or profile.',
    ofThisCa: true,
  },
  caa: { advice: "Let the domain's CAA records name this CA, or use the CA that they name.", ofThisCa: true },
  badPublicKey: { advice: 'Choose another type of key for certificates (P-256 is taken everywhere).', ofThisCa: true },
  badSignatureAlgorithm: { advice: 'The CA wants another type of account key.', ofThisCa: true },
  badCSR: {
    advice: 'The CA refuses the request itself: look at its words, at the key type and the profile.',
    ofThisCa: true,
  },
  invalidProfile: { advice: 'Choose a profile that the CA offers, or none.', ofThisCa: true },
  externalAccountRequired: {
    advice: 'This CA wants an external account binding: get the key id and HMAC key there and configure them.',
    ofThisCa: true,
  },
  userActionRequired: {
    advice: 'Open the page that the CA names and do what it asks, mostly to agree to new terms.',
    ofThisCa: true,
  },
  invalidContact: { advice: 'Correct acme.email: the CA does not take this address.', ofThisCa: false },
  unsupportedContact: { advice: 'Correct acme.email: the CA takes mail addresses only.', ofThisCa: false },
  accountDoesNotExist: {
    advice: 'The CA does not know the stored account: remove it from the store, and a new one is made.',
    ofThisCa: true,
  },
});

/** Types that are about seeing the proof, and the name of what the CA looked at. */
const VALIDATION: Readonly<Record<string, string>> = Object.freeze({
  dns: "Check the name's DNS records (A, AAAA, CAA), as seen from outside.",
  connection: 'Check that the name leads to this machine and that port 80 or 443 is open to everyone.',
  incorrectResponse: 'Something else answers for this name: check where it leads, over IPv6 as well.',
  unauthorized: 'Something else answers for this name: check where it leads, over IPv6 as well.',
  tls: 'Check that port 443 of the name leads to this sidecar with nothing that ends TLS before it.',
});

/** What a CA's problem means for the next attempt. The worst of the subproblems counts where there are any. */
export function judgeProblem(problem: ProblemDocument): ProblemJudgement {
  if (isPause(problem)) {
    const advice = `Open the page that the CA names and let it take orders again; then run "certs renew".`;
    return { kind: 'paused', advice, ofThisCa: true };
  }
  if (problem.type === 'rateLimited') return { kind: 'rate-limited', advice: undefined, ofThisCa: true };
  if (problem.type === LOCAL_PROBLEM) return { kind: 'local', advice: undefined, ofThisCa: false };
  const parts = [problem, ...problem.subproblems];
  const lasting = parts.map(({ type }) => lookUp(CHANGES, type)).find((change) => change !== undefined);
  if (lasting !== undefined) return { kind: 'needs-change', ...lasting };
  const validation = parts.map(({ type }) => lookUp(VALIDATION, type)).find((advice) => advice !== undefined);
  if (validation !== undefined) return { kind: 'validation', advice: validation, ofThisCa: false };
  if (problem.type === NO_DIRECTORY) {
    const advice =
      "Set acme.directory (acme.fallback.directory for the second CA) to the URL of the CA's directory itself, with its path, as the CA's manual has it; if it is right, something before the CA answers in its place.";
    return { kind: 'ca-trouble', advice, ofThisCa: true };
  }
  // Not reached, 5xx, badNonce, orderNotReady, alreadyReplaced, malformed answers: the next attempt may well succeed.
  return { kind: 'ca-trouble', advice: undefined, ofThisCa: true };
}

function lookUp<T>(table: Readonly<Record<string, T>>, type: string): T | undefined {
  return Object.hasOwn(table, type) ? table[type] : undefined;
}

/**
 * Let's Encrypt pauses a name after too many failures in a row. It comes as `rateLimited`, told from a limit that
 * passes by its words and by the date that it lacks.
 */
function isPause({ type, detail }: ProblemDocument): boolean {
  if (type !== 'rateLimited') return false;
  return /unpause|temporarily prevented from requesting certificates/i.test(detail);
}

/** The instant that a CA names in its words (`retry after 2026-11-23 14:05:00 UTC`), for want of a Retry-After. */
export function readRetryDate(detail: string): number | undefined {
  const match = /retry after (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d) ?(?:UTC|Z)/i.exec(detail);
  const at = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/**
 * The names among `names` that the CA could not validate: those that the problem or its subproblems are about, else
 * all of them, for a problem of validation; none for any other.
 */
export function listFailedNames(problem: ProblemDocument, names: readonly string[]): string[] {
  const { kind } = judgeProblem(problem);
  if (kind !== 'validation' && kind !== 'needs-change') return [];
  const about = new Set([problem, ...problem.subproblems].flatMap(({ identifier }) => identifier?.value ?? []));
  const named = names.filter((name) => about.has(name) || (name.startsWith('*.') && about.has(name.slice(2))));
  if (named.length > 0) return named;
  return kind === 'validation' || problem.type === 'caa' ? [...names] : [];
}
