import type { HttpsOutcome } from '../base/https-exchange.ts';
import { decodeBase64 } from '../matrix/base64.ts';
import { isJsonObject, type JsonObject, ownMember } from '../matrix/json.ts';
import { isEd25519KeyId, openSignedJson, type SignedJson } from '../matrix/signing.ts';
import { readJsonBody } from './read-json-body.ts';

/** One key of a key document, and whether the document is signed with it. */
export interface KeySeen {
  readonly id: string;
  readonly key: string;
  /** Whether it is 32 bytes in Base64. */
  readonly wellFormed: boolean;
  readonly signed: boolean;
  /** Why it is not. */
  readonly why: string | undefined;
}

/** A key document, read but not judged. Members of the wrong type are undefined. */
export interface KeysSeen {
  readonly document: JsonObject;
  readonly serverName: string | undefined;
  /** Milliseconds since the epoch. */
  readonly validUntil: number | undefined;
  /** The ed25519 keys, which are the only ones that Matrix has. */
  readonly keys: readonly KeySeen[];
}

/** A homeserver has one or two. */
const MOST_KEYS = 20;

/** Reads the answer to GET /_matrix/key/v2/server. Undefined when it is no JSON object with status 200. Never throws. */
export function readKeys(outcome: HttpsOutcome | undefined, serverName: string): KeysSeen | undefined {
  if (outcome?.ok !== true || outcome.status !== 200 || outcome.cut) return undefined;
  const document = readJsonBody(outcome.body);
  if (!isJsonObject(document)) return undefined;
  const { server_name: name, valid_until_ts: validUntil, verify_keys: listed } = document;
  const ids = isJsonObject(listed) ? Object.keys(listed).filter(isEd25519KeyId).slice(0, MOST_KEYS) : [];
  const signed = openSignedJson(document);
  return {
    document,
    serverName: typeof name === 'string' ? name : undefined,
    validUntil: typeof validUntil === 'number' ? validUntil : undefined,
    keys: ids.map((id) => readKey(signed, serverName, id, ownMember(listed as JsonObject, id))),
  };
}

function readKey(signed: SignedJson, serverName: string, id: string, entry: unknown): KeySeen {
  const value = isJsonObject(entry) ? ownMember(entry, 'key') : undefined;
  const key = typeof value === 'string' ? value : '';
  const bytes = decodeBase64(key);
  const wellFormed = bytes.ok && bytes.value.length === 32;
  const verified = signed.verify(serverName, id, key);
  return { id, key, wellFormed, signed: verified.ok, why: verified.ok ? undefined : verified.why };
}

/** Whether the document is all that another server needs: ours, signed with every key, still valid at `now`. */
export function areKeysGood(keys: KeysSeen | undefined, serverName: string, now: number): boolean {
  return (
    keys !== undefined &&
    keys.serverName === serverName &&
    keys.keys.length > 0 &&
    keys.keys.every((key) => key.wellFormed && key.signed) &&
    (keys.validUntil ?? 0) > now
  );
}
