import type { JsonObject } from './json.ts';

/** The Matrix error codes that answers of our own use (client-server API, "Standard error response"). */
export type Errcode =
  | 'M_BAD_JSON'
  | 'M_FORBIDDEN'
  | 'M_LIMIT_EXCEEDED'
  | 'M_MISSING_TOKEN'
  | 'M_NOT_FOUND'
  | 'M_NOT_JSON'
  | 'M_TOO_LARGE'
  | 'M_UNAUTHORIZED'
  | 'M_UNKNOWN'
  | 'M_UNRECOGNIZED';

/** The body of a Matrix standard error. */
export interface MatrixErrorBody extends JsonObject {
  readonly errcode: Errcode;
  readonly error: string;
}

/** Builds a standard error's body. `extra` adds members and never replaces `errcode` or `error`. */
export function matrixError(errcode: Errcode, message: string, extra: JsonObject = {}): MatrixErrorBody {
  return { ...extra, errcode, error: message };
}

/** M_LIMIT_EXCEEDED with `retry_after_ms`, which is rounded up to a whole millisecond and never negative. */
export function limitExceeded(message: string, retryAfterMs: number): MatrixErrorBody {
  return matrixError('M_LIMIT_EXCEEDED', message, { retry_after_ms: Math.max(0, Math.ceil(retryAfterMs)) });
}

/** Header names and values in turn, as node:http takes them. */
export type FlatHeaders = readonly string[];

// What Synapse sets (set_cors_headers in synapse/http/server.py), so that a browser sees the same permissions
// whether the homeserver answered or the sidecar did.
const ORIGIN_AND_METHODS = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  'GET, HEAD, POST, PUT, DELETE, OPTIONS',
] as const;

/** The CORS headers of every Matrix answer of our own. */
export const corsHeaders: FlatHeaders = Object.freeze([
  ...ORIGIN_AND_METHODS,
  'Access-Control-Allow-Headers',
  'X-Requested-With, Content-Type, Authorization, Date',
  'Access-Control-Expose-Headers',
  'Synapse-Trace-Id, Server',
]);

/** The CORS headers of the rendezvous endpoints (MSC4108: sign in with a QR code), which use entity tags. */
export const rendezvousCorsHeaders: FlatHeaders = Object.freeze([
  ...ORIGIN_AND_METHODS,
  'Access-Control-Allow-Headers',
  'Content-Type, If-Match, If-None-Match',
  'Access-Control-Expose-Headers',
  'Synapse-Trace-Id, Server, ETag',
]);

// Ten minutes: the longest that Chromium believed for years, and short enough that a changed policy is seen soon.
const MAX_AGE = ['Access-Control-Max-Age', '600'] as const;

/** `corsHeaders` for the answer to a preflight. */
export const preflightHeaders: FlatHeaders = Object.freeze([...corsHeaders, ...MAX_AGE]);

/** `rendezvousCorsHeaders` for the answer to a preflight. */
export const rendezvousPreflightHeaders: FlatHeaders = Object.freeze([...rendezvousCorsHeaders, ...MAX_AGE]);

/** Whether a raw path (no query) gets the rendezvous variant: the two tests that Synapse makes. */
export function isRendezvousPath(rawPath: string): boolean {
  return (
    rawPath === '/_matrix/client/unstable/org.matrix.msc4108/rendezvous' ||
    rawPath.startsWith('/_synapse/client/rendezvous')
  );
}
