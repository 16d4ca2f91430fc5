import { createHash, createHmac, createPublicKey, verify, type webcrypto } from 'node:crypto';

/** The header of a signed request (RFC 8555 section 6.2). */
export interface JwsHeader {
  readonly alg: string;
  readonly nonce: string;
  readonly url: string;
  readonly kid?: string;
  readonly jwk?: webcrypto.JsonWebKey;
}

interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

export interface OpenedJws {
  readonly header: JwsHeader;
  /** Undefined for a POST-as-GET. */
  readonly payload: unknown;
}

const HASHES: Readonly<Record<string, string>> = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', RS256: 'sha256' };
const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));

/** Opens a flattened JWS; `keyOf` gives the key of an account URL. Throws what is wrong with it. */
export function openJws(body: string, keyOf: (kid: string) => webcrypto.JsonWebKey | undefined): OpenedJws {
  const jws = JSON.parse(body) as Jws;
  const header = decode(jws.protected) as JwsHeader;
  if ((header.kid === undefined) === (header.jwk === undefined)) throw new Error('not exactly one of kid and jwk');
  const jwk = header.jwk ?? keyOf(header.kid!);
  if (jwk === undefined) throw new UnknownAccount();
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
  const signed = Buffer.from(`${jws.protected}.${jws.payload}`);
  const hash = HASHES[header.alg];
  if (hash === undefined || !verify(hash, signed, key, Buffer.from(jws.signature, 'base64url'))) {
    throw new Error('the signature is wrong');
  }
  return { header, payload: jws.payload === '' ? undefined : decode(jws.payload) };
}

export class UnknownAccount extends Error {}

/** Whether an external account binding is right (RFC 8555 section 7.3.4). */
export function isBindingRight(
  binding: unknown,
  url: string,
  jwk: webcrypto.JsonWebKey,
  kid: string,
  hmacKey: string,
): boolean {
  const { protected: head, payload, signature } = (binding ?? {}) as Partial<Jws>;
  if (head === undefined || payload === undefined) return false;
  const header = decode(head) as JwsHeader;
  const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(`${head}.${payload}`).digest('base64url');
  const same = thumbprintOf(decode(payload) as webcrypto.JsonWebKey) === thumbprintOf(jwk);
  return mac === signature && same && header.alg === 'HS256' && header.kid === kid && header.url === url;
}

/** RFC 7638. */
export function thumbprintOf(jwk: webcrypto.JsonWebKey): string {
  const members = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y'];
  const sorted = Object.fromEntries(members.map((name) => [name, jwk[name as 'kty']]));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url');
}
