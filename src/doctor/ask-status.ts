import { type BindAddress, formatHostPort } from '../base/address.ts';
import type { System } from '../base/system.ts';
import { isJsonObject, type JsonObject } from '../matrix/json.ts';
import { askPlain } from './ask-plain.ts';
import { reachHere } from './check-sidecar.ts';

/** What the running sidecar says of itself, or why it cannot be asked: a clause. */
export type StatusAnswer =
  | { readonly ok: true; readonly status: JsonObject }
  | { readonly ok: false; readonly at: string; readonly words: string };

/** Bytes: enough for a thousand server names with their workers. */
const MOST = 8 * 1024 * 1024;

/** Asks the sidecar whose admin listener is there. Rejects with the signal's reason only. */
export async function askStatus(
  admin: BindAddress,
  { system, signal }: { readonly system: System; readonly signal: AbortSignal },
): Promise<StatusAnswer> {
  const { address: host, port } = reachHere(admin);
  const text = formatHostPort(host, port);
  const at = { kind: 'tcp', host, port, text: `http://${text}` } as const;
  const answer = await askPlain(at, '/api/status', { system, signal, most: MOST });
  const refuse = (words: string): StatusAnswer => ({ ok: false, at: text, words });
  if (!answer.ok) return refuse(answer.words);
  const status = answer.status === 200 ? parse(answer.body) : undefined;
  return status === undefined ? refuse('what answers there is no sidecar') : { ok: true, status };
}

function parse(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    const known = isJsonObject(value) && typeof value['version'] === 'string' && Array.isArray(value['servers']);
    return known ? value : undefined;
  } catch {
    return undefined;
  }
}
