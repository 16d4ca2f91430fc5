import { errorCode } from '../base/errors.ts';
import type { CaAnswer } from './ca-answer.ts';
import { AcmeProblem, type ProblemDocument } from './problem.ts';

const ACME_ERROR = 'urn:ietf:params:acme:error:';
const MAX_TEXT = 2_000;
const MAX_SUBPROBLEMS = 200;

/** The part of an URL that a person knows the CA by. */
export function caHost(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** The problem document in a refusal (RFC 8555 section 6.7); one in its place where the CA sent none. */
export function readProblem(answer: CaAnswer): ProblemDocument {
  const parsed = parseProblem(parseJson(answer.body), answer.status);
  if (parsed !== undefined) return parsed;
  const why = answer.status >= 500 ? 'it is out of order for now' : 'it did not say why';
  return {
    type: 'about:blank',
    detail: `HTTP status ${answer.status}; ${why}`,
    status: answer.status,
    subproblems: [],
  };
}

/** Reads a problem document inside another answer (the `error` of an order or a challenge). Undefined when it is none. */
export function parseProblem(value: unknown, status: number, depth = 0): ProblemDocument | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { type, detail, title, subproblems, identifier } = value as Record<string, unknown>;
  if (typeof type !== 'string' && typeof detail !== 'string') return undefined;
  const inner = Array.isArray(subproblems) && depth === 0 ? subproblems.slice(0, MAX_SUBPROBLEMS) : [];
  const about = readIdentifierOf(identifier);
  const own = (value as Record<string, unknown>)['status'];
  return {
    type: typeof type === 'string' ? clean(type).replace(ACME_ERROR, '') : 'about:blank',
    detail: clean(typeof detail === 'string' ? detail : typeof title === 'string' ? title : 'it did not say why'),
    status: typeof own === 'number' && Number.isInteger(own) && own >= 100 && own <= 599 ? own : status,
    ...(about === undefined ? {} : { identifier: about }),
    subproblems: inner.map((one) => parseProblem(one, status, 1)).filter((one) => one !== undefined),
  };
}

/** The error for a refusal. `what` was asked for: `the new order`. `now` in milliseconds. */
export function refusal(answer: CaAnswer, what: string, now: number): AcmeProblem {
  const problem = readProblem(answer);
  const parts = `The CA at ${caHost(answer.url)} refused ${what}${describeSubproblems(problem)}`;
  return new AcmeProblem(problem, parts, readRetryAfter(answer, now));
}

/** ` (NAME: DETAIL; ...)`, or nothing. */
export function describeSubproblems({ subproblems }: ProblemDocument): string {
  if (subproblems.length === 0) return '';
  const named = subproblems.map(({ identifier, detail }) =>
    identifier === undefined ? detail : `${identifier.value}: ${detail}`,
  );
  return ` (${named.join('; ').slice(0, MAX_TEXT)})`;
}

/** The error for an answer that no CA may give. `status` is its HTTP status, `why` half a sentence. */
export function malformedAnswer(url: string, status: number, why: string, retryAfter?: number): AcmeProblem {
  const problem = { type: 'malformed-answer', detail: why, status, subproblems: [] };
  return new AcmeProblem(problem, `The CA at ${caHost(url)} gave an answer that makes no sense`, retryAfter);
}

/**
 * Seconds, from Retry-After as a number or as an HTTP date (RFC 9110 section 10.2.3), never negative. Undefined where
 * there is none or it is neither. A date is compared with the CA's own clock where its answer tells that.
 */
export function readRetryAfter(answer: CaAnswer, now: number): number | undefined {
  const text = answer.header('retry-after')?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const until = parseHttpDate(text);
  if (until === undefined) return undefined;
  const from = parseHttpDate(answer.header('date')) ?? now;
  return Math.max(0, Math.ceil((until - from) / 1_000));
}

/** Whether a try later, with nothing changed, may succeed: the CA was away, busy, or ill. */
export function isTransient(error: unknown): error is AcmeProblem {
  if (!(error instanceof AcmeProblem)) return false;
  const { status, type } = error.problem;
  return (status === 0 && type !== 'untrusted') || status === 429 || status >= 500;
}

/** Whether the connection ended in the middle of a request, so that nobody knows whether it was carried out. */
export function isCut(error: unknown): boolean {
  return error instanceof AcmeProblem && error.problem.type === 'connection-cut';
}

/** The error for no answer at all. `timeout` in milliseconds, where that is why. */
export function explainUnreachable(url: string, cause: unknown, timeout: number | undefined): AcmeProblem {
  const [type, detail] =
    timeout === undefined ? describeCause(cause) : ['timeout', `no whole answer within ${timeout / 1_000} seconds`];
  const problem = { type: type!, detail: detail!, status: 0, subproblems: [] };
  return new AcmeProblem(problem, `The CA at ${caHost(url)} cannot be reached`, undefined, cause);
}

function describeCause(cause: unknown): [type: string, detail: string] {
  const code = errorCode(cause) ?? errorCode((cause as { cause?: unknown } | null)?.cause) ?? '';
  switch (code) {
    case 'ECONNREFUSED':
      return ['unreachable', 'the connection is refused; check the port and whether the CA runs'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return ['unreachable', `its name does not resolve (${code}); check the name and this machine's DNS`];
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EACCES':
    case 'EPERM':
      return ['unreachable', `there is no way to it (${code}); check this machine's network and firewall`];
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return ['timeout', "it does not answer; check this machine's network and firewall"];
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return ['untrusted', `its TLS certificate is not valid today (${code}); check this machine's clock`];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return ['untrusted', 'its TLS certificate is for another name; check acme.directory'];
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
      return ['untrusted', `its TLS certificate is not trusted (${code}): set acme.ca_file to its root certificate`];
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return ['connection-cut', 'it closed the connection in the middle of a request'];
    default: {
      const text = cause instanceof Error ? cause.message : String(cause);
      return ['unreachable', clean(code === '' || text.includes(code) ? text : `${text} (${code})`)];
    }
  }
}

/** The value of a JSON text, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One line of bounded length: what a CA writes ends up in logs and on terminals. */
function clean(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT);
}

function readIdentifierOf(value: unknown): ProblemDocument['identifier'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, value: name } = value as Record<string, unknown>;
  if (typeof type !== 'string' || typeof name !== 'string') return undefined;
  return { type: clean(type), value: clean(name) };
}

/**
 * What time it was by the CA's clock when an answer came (RFC 9110 section 6.6.1), the time that it lay in a cache
 * included (RFC 9111 section 5.1); milliseconds since the epoch. Undefined where the answer does not tell.
 */
export function readAnswerTime(answer: Pick<CaAnswer, 'header'>): number | undefined {
  const date = parseHttpDate(answer.header('date'));
  const age = answer.header('age')?.trim() ?? '0';
  return date === undefined || !/^\d{1,9}$/.test(age) ? undefined : date + Number(age) * 1_000;
}

/** Any of the three forms of RFC 9110 section 5.6.7; milliseconds since the epoch. */
function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^(Mon|Tues?|Wed|Wednes|Thu|Thurs|Fri|Sat|Satur|Sun)(day)?,? [\w: -]{6,40}$/.test(text)) {
    return undefined;
  }
  // The third form, of asctime, has no time zone: it means GMT as well.
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
