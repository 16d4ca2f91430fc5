import { describeError, errorCode, SidecarError } from '../base/errors.ts';
import type { Errcode } from '../matrix/errors.ts';
import type { Trouble } from './instance-health.ts';

/** From this many bytes on, a homeserver that hangs up on a body does so because of its size (Synapse http/site.py). */
const SYNAPSE_BODY_CAP = 200 * 65_536;

/** What a failed request looks like to its client. */
export interface FailureAnswer {
  readonly status: number;
  readonly errcode: Errcode;
  readonly message: string;
  /** Seconds for Retry-After. */
  readonly retryAfter: number | undefined;
}

/** This machine has no port, file or memory left for one more connection: that says nothing about the other side. */
const OURS: readonly string[] = ['EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS'];
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'ENOENT',
  'EACCES',
  'ETIMEDOUT',
  ...OURS,
]);
const CLOSED: ReadonlySet<string> = new Set(['ERR_UPSTREAM_CLOSED', 'ECONNRESET', 'EPIPE']);

/** What intermediaries say of a homeserver that they cannot reach. */
export const AWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** It was away already when the request came, and stayed away for longer than that may wait. */
export function homeserverAway(): SidecarError {
  const message = 'The homeserver is away, and did not come back in time.';
  return new SidecarError(message, { code: 'upstream-unreachable', blame: 'upstream', retryAfter: 5 });
}

/** Somebody in between answered in its place. */
export function saysAway(upstream: string, status: number): SidecarError {
  const message = `The homeserver at ${upstream} answers ${status}, and is not healthy.`;
  return new SidecarError(message, { code: 'upstream-unreachable', blame: 'upstream', retryAfter: 5 });
}

/** Why a request to the homeserver is given up whose answer nobody waits for any more. */
export function clientGone(): SidecarError {
  return new SidecarError('The client went away.', { code: 'client-gone', blame: 'client' });
}

/** Did the connection die under the request, so that a fresh one may do better? */
export function isConnectionLoss(error: unknown): boolean {
  return CLOSED.has(errorCode(error) ?? '');
}

/** Was there nobody to send the request to? Then nothing of it has been sent. */
export function isUnreachable(error: SidecarError): boolean {
  return error.code === 'upstream-unreachable' || error.code === 'upstream-connect-timeout';
}

/**
 * What a failed request says of the instance that it was for; undefined for nothing, as with a client's fault. `sent`: it
 * had a connection.
 */
export function troubleOf(error: unknown, explained: SidecarError, sent: boolean): Trouble | undefined {
  const why = explained.message;
  if (explained.blame === 'client') return undefined;
  if (isUnreachable(explained) && !sent)
    return { kind: OURS.includes(firstCode(error)) ? 'other' : 'unreachable', why };
  return { kind: isConnectionLoss(error) ? 'lost' : 'other', why };
}

/**
 * Whose fault an error of the upstream side is, from its code alone. `received` is how many bytes of the request's
 * body had come when it happened.
 */
export function explainFailure(error: unknown, upstream: string, received: number): SidecarError {
  if (error instanceof SidecarError) return error;
  const code = firstCode(error);
  const make = (
    name: string,
    blame: 'client' | 'upstream' | 'us',
    message: string,
    retryAfter?: number,
  ): SidecarError =>
    new SidecarError(message, { code: name, blame, cause: error, ...(retryAfter === undefined ? {} : { retryAfter }) });
  if (UNREACHABLE.has(code)) {
    return make(
      'upstream-unreachable',
      'upstream',
      `The homeserver at ${upstream} cannot be reached: ${describeError(error)}.`,
      5,
    );
  }
  if (CLOSED.has(code)) {
    if (received >= SYNAPSE_BODY_CAP) {
      return make(
        'body-refused',
        'client',
        'The homeserver hung up on a body of this size; its limit is lower (max_upload_size).',
      );
    }
    return make(
      'upstream-closed',
      'upstream',
      `The homeserver at ${upstream} closed the connection before it answered.`,
      5,
    );
  }
  switch (code) {
    case 'ERR_UPSTREAM_ANSWER_LATE':
    case 'ERR_UPSTREAM_ANSWER_STALLED':
    case 'ERR_UPSTREAM_UPGRADE_TIMEOUT':
      return make('upstream-deadline', 'upstream', `The homeserver at ${upstream} did not answer in time.`, 30);
    case 'ERR_UPSTREAM_REQUEST':
      return make('request-not-forwardable', 'client', `The request cannot be passed on: ${describeError(error)}.`);
    default:
      // HPE_: from the parser of node:http, under the upgrades.
      if (code === 'ERR_UPSTREAM_ANSWER' || code.startsWith('HPE_')) {
        return make(
          'upstream-invalid-answer',
          'upstream',
          `The homeserver at ${upstream} sent something that is not HTTP: ${describeError(error)}.`,
        );
      }
      return make('unexpected', 'us', `Something unexpected happened: ${describeError(error)}.`);
  }
}

/** The answer to the client. A dead homeserver is 502 or 504, never 500; or 408 where that does less harm. */
export function answerFor(error: SidecarError, mild = false): FailureAnswer {
  const answer = answerPlainly(error);
  return mild && answer.status > 500 ? { ...answer, status: 408 } : answer;
}

function answerPlainly(error: SidecarError): FailureAnswer {
  const { message, retryAfter } = error;
  switch (error.code) {
    case 'body-too-large':
    case 'body-refused':
      return { status: 413, errcode: 'M_TOO_LARGE', message, retryAfter };
    case 'body-stalled':
      return { status: 408, errcode: 'M_UNKNOWN', message, retryAfter };
    case 'upstream-deadline':
    case 'upstream-connect-timeout':
      return {
        status: 504,
        errcode: 'M_UNKNOWN',
        message: 'The homeserver did not answer in time.',
        retryAfter: retryAfter ?? 30,
      };
  }
  switch (error.blame) {
    case 'client':
      return { status: 400, errcode: 'M_UNKNOWN', message, retryAfter };
    case 'upstream':
    case 'remote':
    case 'operator':
      // Where the homeserver is in the private network is nobody's business: the log has it.
      return {
        status: 502,
        errcode: 'M_UNKNOWN',
        message: 'The homeserver is not reachable at the moment.',
        retryAfter: retryAfter ?? 5,
      };
    case 'us':
      return { status: 500, errcode: 'M_UNKNOWN', message: 'Internal error of the reverse proxy.', retryAfter };
  }
}

/** The code of an error, or of the first of those that it gathers (all addresses of a name failed). */
function firstCode(error: unknown): string {
  const own = errorCode(error);
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]) ?? own ?? '';
  return own ?? '';
}
