import type { System } from '../base/system.ts';
import type { Exchange } from '../forward/exchange.ts';
import type { LastGoodDocument } from '../forward/last-good.ts';
import {
  corsHeaders,
  type Errcode,
  limitExceeded,
  matrixError,
  preflightHeaders,
  rendezvousPreflightHeaders,
} from '../matrix/errors.ts';
import type { RenderedWellKnown } from '../matrix/well-known.ts';

/** An error of the sidecar's own. */
export interface OwnError {
  readonly status: number;
  readonly errcode: Errcode;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
  /** For 405: the methods that there are. */
  readonly allow?: string | undefined;
}

export interface TextOptions {
  /** For 405: the methods that there are. */
  readonly allow?: string | undefined;
  /** Plain text where it is not given. */
  readonly contentType?: string | undefined;
  /** More of them: name, value, name, value. */
  readonly headers?: readonly string[] | undefined;
}

/**
 * Every answer that the sidecar gives itself. Each carries a Date (RFC 9110 section 6.6.1); where the client may still
 * be sending, the connection ends with the answer.
 */
export interface OwnAnswers {
  /** A Matrix standard error, readable by browsers. */
  error(exchange: Exchange, error: OwnError): void;
  /** 429: too much of this client's is under way; `retryAfter` in milliseconds. */
  limited(exchange: Exchange, retryAfter: number): void;
  /** A CORS preflight: what Synapse would say, without asking it. */
  preflight(exchange: Exchange, variant: 'matrix' | 'rendezvous' | 'well-known'): void;
  /** A well-known document; 304 to a client that has it already. */
  wellKnown(exchange: Exchange, document: RenderedWellKnown): void;
  /** From the clear-text port to the same place on https. */
  redirect(exchange: Exchange, location: string): void;
  /** What the homeserver said last, in its place; marked as from a cache (RFC 9211), with its age in seconds. */
  lastGood(exchange: Exchange, document: LastGoodDocument): void;
  text(exchange: Exchange, status: number, text: string, more?: TextOptions): void;
  json(exchange: Exchange, status: number, value: unknown): void;
}

export function createOwnAnswers({ system }: { readonly system: System }): OwnAnswers {
  let second = Number.NaN;
  let date = '';

  /** It has whole seconds and is written once for each: that takes longer than to find the document. */
  function writeDate(): string {
    const now = Math.floor(system.now() / 1000);
    if (now !== second) {
      second = now;
      date = new Date(now * 1000).toUTCString();
    }
    return date;
  }

  function answer(exchange: Exchange, status: number, fields: readonly string[], body: Buffer | undefined): void {
    if (exchange.closed || exchange.answered) return;
    const headers = [...fields, 'Date', writeDate()];
    if (exchange.hasBody) return exchange.respondAndClose(status, '', headers, body ?? Buffer.alloc(0));
    if (body !== undefined) headers.push('Content-Length', String(body.length));
    exchange.respond(status, '', headers);
    exchange.end(exchange.method === 'HEAD' ? undefined : body);
  }

  return {
    error(exchange, { status, errcode, message, retryAfter, allow }) {
      const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store', ...corsHeaders];
      if (retryAfter !== undefined) headers.push('Retry-After', String(Math.ceil(retryAfter)));
      if (allow !== undefined) headers.push('Allow', allow);
      answer(exchange, status, headers, Buffer.from(JSON.stringify(matrixError(errcode, message))));
    },
    limited(exchange, retryAfter) {
      const seconds = String(Math.ceil(retryAfter / 1000));
      const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store', 'Retry-After', seconds];
      const body = limitExceeded('Too many requests at once.', retryAfter);
      answer(exchange, 429, [...headers, ...corsHeaders], Buffer.from(JSON.stringify(body)));
    },
    preflight(exchange, variant) {
      answer(exchange, 204, variant === 'rendezvous' ? rendezvousPreflightHeaders : preflightHeaders, undefined);
    },
    wellKnown(exchange, document) {
      const known = matchesEntityTag(findHeader(exchange, 'if-none-match'), document.etag);
      if (known) answer(exchange, 304, document.headers, undefined);
      else answer(exchange, 200, document.headers, document.body);
    },
    redirect(exchange, location) {
      // Readable across origins: a browser that looks for the client's well-known document may come by http.
      const headers = ['Location', location, 'Content-Type', 'text/plain; charset=utf-8', ...corsHeaders];
      answer(exchange, 301, headers, Buffer.from(`Moved to ${location}\n`));
    },
    lastGood(exchange, { body, fetchedAt }) {
      const age = Math.max(0, Math.round((system.now() - fetchedAt) / 1000));
      const marks = ['Age', String(age), 'Cache-Status', 'matrix-sidecar; hit; detail=homeserver-away'];
      answer(exchange, 200, ['Content-Type', 'application/json', ...marks, ...corsHeaders], body);
    },
    text(exchange, status, text, { allow, contentType = 'text/plain; charset=utf-8', headers: more = [] } = {}) {
      const headers = ['Content-Type', contentType, 'Cache-Control', 'no-store', ...more];
      if (allow !== undefined) headers.push('Allow', allow);
      answer(exchange, status, headers, Buffer.from(text));
    },
    json(exchange, status, value) {
      const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];
      answer(exchange, status, headers, Buffer.from(JSON.stringify(value)));
    },
  };
}

/** A header that may come as several fields, which then mean one list (RFC 9110 section 5.3). */
function findHeader(exchange: Exchange, lowerName: string): string | undefined {
  const values: string[] = [];
  for (let index = 0; index < exchange.headers.length; index += 2) {
    if (exchange.headers[index]!.toLowerCase() === lowerName) values.push(exchange.headers[index + 1]!);
  }
  return values.length === 0 ? undefined : values.join(',');
}

/** If-None-Match by weak comparison (RFC 9110 section 13.1.2). The sidecar's own tags have no comma in them. */
function matchesEntityTag(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  if (field.trim() === '*') return true;
  return field.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
