/** What is logged of one request. Never headers, never a query: access tokens can stand in either. */
export interface RequestLine {
  readonly request_id: string;
  readonly client: string;
  readonly listener: string;
  readonly method: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly http: string;
  /** Present when the answer could not be completed, or was one of the sidecar's own for a failure. */
  readonly error?: string;
  readonly blame?: string;
  /** What happened, when it was not the client's doing: that may repeat what the client wrote. */
  readonly why?: string;
}

/** A path is logged up to this length; strangers choose it. */
const LONGEST_PATH = 512;

/** The path for a log: without the query, bounded. */
export function pathForLog(target: string, end: number): string {
  return end > LONGEST_PATH ? `${target.slice(0, LONGEST_PATH)}…` : target.slice(0, end);
}

/** Is a request worth a line at this setting? */
export function isLogged(setting: 'off' | 'errors' | 'all', status: number, failed: boolean): boolean {
  if (setting === 'off') return false;
  return setting === 'all' || failed || status >= 500;
}
