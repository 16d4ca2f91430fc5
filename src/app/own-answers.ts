import type { Exchange } from '../forward/exchange.ts';
import {
  corsHeaders,
  type Errcode,
  matrixError,
  preflightHeaders,
  rendezvousPreflightHeaders,
} from '../matrix/errors.ts';
import type { RenderedWellKnown } from '../matrix/well-known.ts';

/** Sends a Matrix standard error, readable by browsers, and ends the connection if the client may still be sending. */
export function answerMatrixError(
  exchange: Exchange,
  status: number,
  errcode: Errcode,
  message: string,
  retryAfter?: number,
): void {
  const body = Buffer.from(JSON.stringify(matrixError(errcode, message)));
  const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store', ...corsHeaders];
  if (retryAfter !== undefined) headers.push('Retry-After', String(Math.ceil(retryAfter)));
  answer(exchange, status, headers, body);
}

/** Answers a CORS preflight with what Synapse would say, without asking it. */
export function answerPreflight(exchange: Exchange, variant: 'matrix' | 'rendezvous' | 'well-known'): void {
  answer(exchange, 204, [...(variant === 'rendezvous' ? rendezvousPreflightHeaders : preflightHeaders)], undefined);
}

/** Publishes a well-known document: 304 to a client that has it already. */
export function answerWellKnown(exchange: Exchange, document: RenderedWellKnown): void {
  if (matchesEntityTag(findHeader(exchange, 'if-none-match'), document.etag))
    return answer(exchange, 304, [...document.headers], undefined);
  answer(exchange, 200, [...document.headers], document.body);
}

/** Sends everything on a clear-text port to the same place on https. */
export function answerRedirect(exchange: Exchange, location: string): void {
  answer(exchange, 301, ['Location', location, 'Content-Type', 'text/plain'], Buffer.from(`Moved to ${location}\n`));
}

export function answerText(exchange: Exchange, status: number, text: string): void {
  answer(
    exchange,
    status,
    ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'],
    Buffer.from(text),
  );
}

export function answerJson(exchange: Exchange, status: number, value: unknown): void {
  answer(
    exchange,
    status,
    ['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
    Buffer.from(JSON.stringify(value)),
  );
}

function answer(exchange: Exchange, status: number, headers: string[], body: Buffer | undefined): void {
  if (exchange.closed || exchange.answered) return;
  if (exchange.hasBody) return exchange.respondAndClose(status, '', headers, body ?? Buffer.alloc(0));
  if (body !== undefined) headers.push('Content-Length', String(body.length));
  exchange.respond(status, '', headers);
  exchange.end(exchange.method === 'HEAD' ? undefined : body);
}

function findHeader(exchange: Exchange, lowerName: string): string | undefined {
  for (let index = 0; index < exchange.headers.length; index += 2) {
    if (exchange.headers[index]!.toLowerCase() === lowerName) return exchange.headers[index + 1];
  }
  return undefined;
}

/** If-None-Match by weak comparison (RFC 9110 section 13.1.2). */
function matchesEntityTag(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  return field.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
