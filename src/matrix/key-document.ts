import { bad, good, type Parsed } from '../base/parsed.ts';
import { isJsonObject, type JsonObject, ownMember } from './json.ts';
import { isEd25519KeyId, type SigningKey, signJson, verifySignedJson } from './signing.ts';

/** The keys that a server publishes at `/_matrix/key/v2/server`, checked. */
export interface KeyDocument {
  readonly serverName: string;
  /** Until when the keys may be used; milliseconds since the epoch. */
  readonly validUntil: number;
  /** Unpadded Base64 public keys by key id. */
  readonly verifyKeys: ReadonlyMap<string, string>;
}

/** Builds and signs the document (server-server API, "Publishing Keys"). `validUntil` is milliseconds since the epoch. */
export function buildKeyDocument(serverName: string, key: SigningKey, validUntil: number): JsonObject {
  const document = {
    server_name: serverName,
    valid_until_ts: validUntil,
    verify_keys: { [key.keyId]: { key: key.publicKey } },
    old_verify_keys: {},
  };
  return signJson(document, serverName, key.keyId, key.privateKey);
}

/**
 * Reads a key document that came from a stranger: it must be for the server asked, still valid at `now`
 * (milliseconds since the epoch), and signed by every ed25519 key that it lists. Never throws.
 */
export function readKeyDocument(document: unknown, serverName: string, now: number): Parsed<KeyDocument> {
  if (!isJsonObject(document)) return bad('the key document is no JSON object');
  const { server_name: name, valid_until_ts: validUntil, verify_keys: listed } = document;
  if (name !== serverName) return bad(`the key document is for ${JSON.stringify(name)}, not for ${serverName}`);
  if (typeof validUntil !== 'number' || validUntil <= now) return bad(`the keys of ${serverName} are no longer valid`);
  if (!isJsonObject(listed)) return bad(`the key document of ${serverName} has no verify_keys`);
  const verifyKeys = new Map<string, string>();
  for (const keyId of Object.keys(listed).filter(isEd25519KeyId)) {
    const entry = listed[keyId];
    const key = isJsonObject(entry) ? ownMember(entry, 'key') : undefined;
    if (typeof key !== 'string') return bad(`the key ${keyId} of ${serverName} has no value`);
    const checked = verifySignedJson(document, serverName, keyId, key);
    if (!checked.ok) return bad(`the key document of ${serverName} is not in order: ${checked.why}`);
    verifyKeys.set(keyId, key);
  }
  if (verifyKeys.size === 0) return bad(`the key document of ${serverName} lists no ed25519 key`);
  return good({ serverName, validUntil, verifyKeys });
}
