/**
 * `ERR_UPSTREAM_REQUEST`: the request cannot be written as HTTP/1.1. `_CLOSED`: the connection ended before the answer did.
 * `_ANSWER`: what came is no HTTP/1.1, or no answer that may be passed on. The other two: no answer began, or moved on, in time.
 */
export type WireErrorCode =
  | 'ERR_UPSTREAM_REQUEST'
  | 'ERR_UPSTREAM_CLOSED'
  | 'ERR_UPSTREAM_ANSWER'
  | 'ERR_UPSTREAM_ANSWER_LATE'
  | 'ERR_UPSTREAM_ANSWER_STALLED';

/** What goes wrong on a connection to the homeserver, beside the system's own errors. failure.ts says whose fault it is. */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = 'WireError';
    this.code = code;
  }
}

/** What came is not to be passed on. `why` follows "sent something that is not HTTP". */
export function badAnswer(why: string): WireError {
  return new WireError('ERR_UPSTREAM_ANSWER', why);
}
