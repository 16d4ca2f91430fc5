import type { HttpsOutcome } from '../base/https-exchange.ts';
import { isJsonObject, ownMember } from '../matrix/json.ts';
import { quote } from './quote.ts';
import { readJsonBody } from './read-json-body.ts';

/**
 * Who answered a federation request, and how far it came.
 * accepted: the homeserver did what it was asked, or would have (nothing found). refused: the homeserver wants another
 * signature, or none of ours. unrecognized: the homeserver knows no such endpoint. limited: later (429). foreign:
 * something that is no homeserver. failing: a gateway without its homeserver. none: no answer.
 */
export type Answer = 'accepted' | 'refused' | 'unrecognized' | 'limited' | 'too-large' | 'foreign' | 'failing' | 'none';

// Synapse answers 401 M_UNAUTHORIZED; others 403 M_FORBIDDEN, or M_MISSING_TOKEN where there is no signature.
const REFUSALS = new Set(['M_UNAUTHORIZED', 'M_FORBIDDEN', 'M_MISSING_TOKEN', 'M_UNKNOWN_TOKEN']);

/** Classifies an answer by status and errcode alone; the words of errors are for people. */
export function readAnswer(outcome: HttpsOutcome | undefined): Answer {
  if (outcome?.ok !== true) return 'none';
  const { status } = outcome;
  const errcode = readErrcode(outcome);
  if (status === 413) return 'too-large';
  if (status === 429) return 'limited';
  if (isGatewayError(status)) return 'failing';
  if (errcode === 'M_UNRECOGNIZED') return 'unrecognized';
  if (errcode !== undefined) return REFUSALS.has(errcode) || status === 401 ? 'refused' : 'accepted';
  const json = readJsonBody(outcome.body);
  if (status === 401 && isJsonObject(json)) return 'refused';
  // Synapse's 404 for an event that it does not have is the JSON text "".
  if (status === 404 && json === '') return 'accepted';
  return status < 300 && json !== undefined ? 'accepted' : 'foreign';
}

/** What a gateway says without its server: 502 to 504, and Cloudflare's own from 520 on (530 is about its DNS). */
export function isGatewayError(status: number): boolean {
  return (status >= 502 && status <= 504) || (status >= 520 && status <= 530);
}

/** The errcode of a Matrix error. */
export function readErrcode(outcome: HttpsOutcome): string | undefined {
  if (!outcome.ok) return undefined;
  const json = readJsonBody(outcome.body);
  const errcode = isJsonObject(json) ? ownMember(json, 'errcode') : undefined;
  return typeof errcode === 'string' ? errcode : undefined;
}

/** `404 text/html (nginx)` or what kept the answer from coming, for people. */
export function describeOutcome(outcome: HttpsOutcome | undefined): string {
  if (outcome === undefined) return 'not asked';
  if (!outcome.ok) return outcome.words;
  const errcode = readErrcode(outcome);
  const type = readHeader(outcome, 'content-type')?.split(';')[0]?.trim();
  const server = readHeader(outcome, 'server');
  const parts = [String(outcome.status), quoteBare(errcode ?? type)];
  const from = server === undefined ? '' : ` (Server: ${quoteBare(server)})`;
  return `${parts.filter((part) => part !== '').join(' ')}${from}`;
}

function quoteBare(text: string | undefined): string {
  return text === undefined ? '' : quote(text, 40).slice(1, -1);
}

/** The first value of a header; names in any case. */
export function readHeader(outcome: HttpsOutcome, name: string): string | undefined {
  if (!outcome.ok) return undefined;
  return outcome.headers.find(([given]) => given.toLowerCase() === name)?.[1];
}
