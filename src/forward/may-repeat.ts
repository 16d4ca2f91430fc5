import type { RetrySafety } from '../matrix/endpoint-table.ts';

/**
 * May a request be sent a second time after its connection died before any answer? By RFC 9110 section 9.2.2; a PUT
 * also where Synapse keeps the answer by transaction id. Not DELETE: its second answer is another one (404).
 */
export function mayRepeat(method: string, retry: RetrySafety): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  if (method === 'PUT') return retry !== 'never';
  return method === 'POST' && (retry === 'read-only' || retry === 'marker');
}
