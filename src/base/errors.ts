/**
 * Whose fault a failure is. Blame alone picks the HTTP status class, the log level and the metric label:
 * client (a stranger's request), upstream (the homeserver), remote (another Matrix server, a CA, DNS),
 * operator (the configuration or the machine), us (a defect).
 */
export type Blame = 'client' | 'upstream' | 'remote' | 'operator' | 'us';

export interface SidecarErrorFields {
  /** Stable identifier, kebab-case, documented in docs/troubleshooting.md. */
  readonly code: string;
  readonly blame: Blame;
  /** What to do next, one sentence, for the person who can do it. */
  readonly hint?: string;
  /** Seconds after which trying again makes sense; absent when it does not until something changes. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** The one error class of the sidecar. `message` says what happened; `hint` says what to do. */
export class SidecarError extends Error {
  readonly code: string;
  readonly blame: Blame;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(message: string, fields: SidecarErrorFields) {
    super(message, { cause: fields.cause });
    this.name = 'SidecarError';
    this.code = fields.code;
    this.blame = fields.blame;
    this.hint = fields.hint;
    this.retryAfter = fields.retryAfter;
  }
}

/** The system's error code (ECONNREFUSED, EADDRINUSE, ENOENT) of anything thrown, or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

/** One line for a person, of anything thrown. */
export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(describeError).join('; ');
  return error instanceof Error ? error.message : String(error);
}
