import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { describeError, SidecarError } from '../base/errors.ts';
import { bad, good, type Parsed } from '../base/parsed.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import { isJsonObject, type JsonObject, ownMember } from './json.ts';

// DER headers that make a raw 32-byte ed25519 key a PKCS#8 or SPKI document (RFC 8410).
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,255}$/;

/** A homeserver's signing key. */
export interface SigningKey {
  /** `ed25519:` and the key's version, `[a-zA-Z0-9_]+`. */
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** The raw public key in unpadded Base64, as key documents carry it. */
  readonly publicKey: string;
}

/** Whether a signing key identifier names an ed25519 key, the only algorithm that Matrix has. */
export function isEd25519KeyId(keyId: string): boolean {
  return KEY_ID.test(keyId);
}

/** Makes a signing key of a 32-byte seed. Throws a SidecarError on a seed of another length or a malformed key id. */
export function createSigningKey(keyId: string, seed: Uint8Array): SigningKey {
  if (!isEd25519KeyId(keyId) || seed.length !== KEY_BYTES) {
    throw new SidecarError(`No signing key can be made of id ${JSON.stringify(keyId)} and ${seed.length} bytes`, {
      code: 'bad-signing-key',
      blame: 'operator',
      hint: `The id is ed25519: and letters, digits or underscores; the seed is ${KEY_BYTES} bytes.`,
    });
  }
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { keyId, privateKey, publicKey: encodeBase64(spki.subarray(SPKI_PREFIX.length)) };
}

/**
 * The signature of an object, in unpadded Base64, over its canonical form without `signatures` and `unsigned`.
 * Throws a SidecarError when the rest has no canonical form.
 */
export function computeSignature(object: JsonObject, key: KeyObject): string {
  return encodeBase64(sign(null, signedBytes(object), key));
}

/**
 * Returns the object with this server's signature added under `signatures` (appendices, "Signing Details").
 * Signatures that were there stay. Throws as `computeSignature` does.
 */
export function signJson(object: JsonObject, serverName: string, keyId: string, key: KeyObject): JsonObject {
  const signature = computeSignature(object, key);
  const others = ownMember(object, 'signatures');
  const mine = isJsonObject(others) ? ownMember(others, serverName) : undefined;
  return {
    ...object,
    signatures: {
      ...(isJsonObject(others) ? others : {}),
      // A computed key, so that even `__proto__` becomes an ordinary member.
      [serverName]: { ...(isJsonObject(mine) ? mine : {}), [keyId]: signature },
    },
  };
}

/**
 * Checks one signature (appendices, "Checking for a Signature"). Total: any object and any texts are allowed.
 * The value of a good outcome is the object itself.
 */
export function verifySignedJson(
  object: JsonObject,
  serverName: string,
  keyId: string,
  publicKeyBase64: string,
): Parsed<JsonObject> {
  return openSignedJson(object).verify(serverName, keyId, publicKeyBase64);
}

/** An object whose signatures are checked one after another. */
export interface SignedJson {
  /** As `verifySignedJson`. */
  verify(serverName: string, keyId: string, publicKeyBase64: string): Parsed<JsonObject>;
}

/** For a stranger's object with several signatures: what was signed is written out once, whatever there is to check. */
export function openSignedJson(object: JsonObject): SignedJson {
  let bytes: Parsed<Buffer> | undefined;
  const getBytes = (): Parsed<Buffer> => {
    bytes ??= readSignedBytes(object);
    return bytes;
  };
  return { verify: (...signer) => verifyOne(object, getBytes, ...signer) };
}

function readSignedBytes(object: JsonObject): Parsed<Buffer> {
  try {
    return good(signedBytes(object));
  } catch (error) {
    return bad(describeError(error));
  }
}

function verifyOne(
  object: JsonObject,
  getBytes: () => Parsed<Buffer>,
  serverName: string,
  keyId: string,
  publicKeyBase64: string,
): Parsed<JsonObject> {
  if (!isEd25519KeyId(keyId)) return bad(`${JSON.stringify(keyId.slice(0, 64))} is no ed25519 key id`);
  const signatures = ownMember(object, 'signatures');
  const ofServer = isJsonObject(signatures) ? ownMember(signatures, serverName) : undefined;
  const signature = isJsonObject(ofServer) ? ownMember(ofServer, keyId) : undefined;
  if (typeof signature !== 'string') return bad(`there is no signature by ${serverName} with ${keyId}`);
  const written = decodeBase64(signature);
  if (!written.ok || written.value.length !== SIGNATURE_BYTES) {
    return bad(`the signature by ${serverName} with ${keyId} is not ${SIGNATURE_BYTES} bytes in Base64`);
  }
  const key = readPublicKey(publicKeyBase64);
  if (!key.ok) return bad(`the key ${keyId} of ${serverName} ${key.why}`);
  const bytes = getBytes();
  if (!bytes.ok) return bytes;
  try {
    if (verify(null, bytes.value, key.value, written.value)) return good(object);
  } catch (error) {
    return bad(describeError(error));
  }
  return bad(`the signature by ${serverName} does not match its key ${keyId}`);
}

function readPublicKey(base64: string): Parsed<KeyObject> {
  const raw = decodeBase64(base64);
  if (!raw.ok || raw.value.length !== KEY_BYTES) return bad(`is not ${KEY_BYTES} bytes in Base64`);
  try {
    return good(createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw.value]), format: 'der', type: 'spki' }));
  } catch (error) {
    return bad(`is no ed25519 key: ${describeError(error)}`);
  }
}

function signedBytes(object: JsonObject): Buffer {
  const { signatures: _signatures, unsigned: _unsigned, ...signed } = object;
  return Buffer.from(encodeCanonicalJson(signed));
}
