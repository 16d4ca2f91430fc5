import { isJsonObject, ownMember } from '../matrix/json.ts';
import { parseServerName } from '../matrix/server-name.ts';
import type { WellKnownLookup } from './resolution.ts';

/** Bytes: less than 50 KiB, as Synapse has it. */
export const MAX_WELL_KNOWN = 50 * 1024 - 1;
/** A host name of 255 characters, a port, and room to spare: nothing longer is worth a look. */
const LONGEST_NAME = 300;

type WellKnownResult = WellKnownLookup['result'];

/**
 * What an answer with status 200 says: the body has to be UTF-8 without a byte order mark, JSON, an object, and have a
 * server name under `m.server`. The content type does not count (server-server API, step 3).
 */
export function readWellKnown(body: Uint8Array): WellKnownResult {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return { ok: false, problem: 'not-json', words: notJson(body) };
  }
  if (!isJsonObject(document)) return { ok: false, problem: 'not-json', words: 'the document is no JSON object' };
  const written = ownMember(document, 'm.server');
  if (written === undefined) return { ok: false, problem: 'no-m-server', words: 'the document has no m.server' };
  if (typeof written !== 'string') return { ok: false, problem: 'bad-m-server', words: 'its m.server is no string' };
  const refuse = (words: string): WellKnownResult => ({ ok: false, problem: 'bad-m-server', words });
  if (written.length > LONGEST_NAME) return refuse(`its m.server has ${written.length} characters`);
  // Told apart first, so that the reason can show it: nothing of it then can do harm in a terminal or a log.
  if (/[^ -~]/.test(written)) return refuse('its m.server has characters that no server name has');
  const delegated = parseServerName(written);
  if (!delegated.ok) return refuse(`its m.server cannot be used: ${delegated.why}`);
  return { ok: true, delegated: delegated.value };
}

function notJson(body: Uint8Array): string {
  const start = Buffer.from(body.subarray(0, 200)).toString('latin1').trimStart().toLowerCase();
  if (start === '') return 'the document is empty';
  if (start.startsWith('<')) return 'the document is a web page, not JSON';
  if (start.startsWith('\u00ef\u00bb\u00bf')) return 'the document begins with a byte order mark, which JSON may not';
  return 'the document is no valid JSON';
}
