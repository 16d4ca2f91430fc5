import type { HttpsOutcome } from '../base/https-exchange.ts';
import { quoteStranger } from '../base/quote-stranger.ts';

/** The first value of a header; `name` in lower case. */
export function readHeader(outcome: HttpsOutcome & { readonly ok: true }, name: string): string | undefined {
  return outcome.headers.find(([given]) => given.toLowerCase() === name)?.[1];
}

/** `404 text/html from nginx`, for people. */
export function describeAnswer(outcome: HttpsOutcome): string {
  if (!outcome.ok) return outcome.words;
  const type = readHeader(outcome, 'content-type')?.split(';')[0]?.trim();
  const server = readHeader(outcome, 'server');
  const from = server === undefined ? '' : ` from ${quoteStranger(server, 40)}`;
  return `${outcome.status}${type === undefined ? '' : ` ${quoteStranger(type, 40)}`}${from}`;
}
