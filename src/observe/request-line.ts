import { hideSecrets } from './hide-secrets.ts';

/** What is logged of one request. Never headers, never a query: access tokens can stand in either. */
export type RequestLine = {
  readonly request_id: string;
  readonly client: string;
  readonly listener: string;
  readonly method: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly http: string;
  /** Where it belongs, as in the metrics. */
  readonly surface: string;
  /** The server name whose homeserver or website it was for. */
  readonly server?: string;
  /** The server that it says it is from; its homeserver has checked that, if it answered well. */
  readonly origin?: string;
  /** Pools of workers in the order in which they were to be tried; `main` alone where it was for the main process. */
  readonly pool?: string;
  /** Milliseconds that it waited for a homeserver that was away, part of `ms`. */
  readonly held_ms?: number;
  /** What saved it from an error: hold, repeat, instance or last-good. */
  readonly saved_by?: string;
  /** Of a WebSocket, whose line is written when it is over: what its client sent, and what it was sent. */
  readonly bytes_in?: number;
  readonly bytes_out?: number;
  /** Present when the answer could not be completed, or was one of the sidecar's own for a failure. */
  readonly error?: string;
  readonly blame?: string;
  /** What happened, when it was not the client's doing: that may repeat what the client wrote. */
  readonly why?: string;
};

/** What strangers choose is logged up to this length. */
const LONGEST = 512;

/** What a stranger wrote, for a log: up to `end`, bounded, and without what may be a secret. */
export function textForLog(text: string, end = text.length): string {
  return hideSecrets(end > LONGEST ? `${text.slice(0, LONGEST)}…` : text.slice(0, end));
}

/** Is a request worth a line at this setting? */
export function isLogged(setting: 'off' | 'errors' | 'all', status: number, failed: boolean): boolean {
  if (setting === 'off') return false;
  return setting === 'all' || failed || status >= 500;
}
