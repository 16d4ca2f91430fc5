import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * How a sidecar is recognised through whatever stands before it. Who may read the store (`doctor`) makes a token with
 * a key that is kept there and asks for a path with it; a sidecar of the same store answers with what it got, and with
 * a proof that it knows the key as well. Strangers, who cannot make tokens, are told that there is no such endpoint.
 */

/** Where the key is in the store: 32 random bytes. */
export const PROBE_KEY = 'doctor/probe-key';
export const PROBE_KEY_LENGTH = 32;

/** Below a federation path, so that it takes the way of federation through any proxy, and is served on every port. */
export const PROBE_PREFIX = '/_matrix/federation/unstable/matrix-sidecar/probe/';

/** Milliseconds that a token is good for; clocks of two sidecars may be that far apart, too. */
const LIFETIME = 300_000;
/** 6 bytes of time, 10 of chance, 16 of HMAC, in Base64. */
const TOKEN = /^probe-([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{22})$/;

/** `now` in milliseconds since the epoch, `chance` at least 10 random bytes. */
export function createProbeToken(key: Uint8Array, now: number, chance: Buffer): string {
  const body = Buffer.alloc(16);
  body.writeUIntBE(now, 0, 6);
  chance.copy(body, 6, 0, 10);
  const text = body.toString('base64url');
  return `probe-${text}${sign(key, `token ${text}`)}`;
}

/** Whether it looks like a token at all; costs nothing. */
export function isProbeToken(token: string): boolean {
  return TOKEN.test(token);
}

/** Whether the token was made with this key, at about `now`. */
export function verifyProbeToken(key: Uint8Array, token: string, now: number): boolean {
  const [, text = '', mac = ''] = TOKEN.exec(token) ?? [];
  if (text === '') return false;
  const made = Buffer.from(text, 'base64url').readUIntBE(0, 6);
  if (Math.abs(now - made) > LIFETIME) return false;
  return timingSafeEqual(Buffer.from(mac), Buffer.from(sign(key, `token ${text}`)));
}

/** What only who has the key can answer to a token. */
export function proveProbe(key: Uint8Array, token: string): string {
  return sign(key, `answer ${token}`);
}

/** 128 bits. */
function sign(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url');
}

/** What a sidecar answers to a probe, as JSON. */
export interface ProbeAnswer {
  readonly proof: string;
  /** The request target as it arrived, byte for byte. */
  readonly target: string;
  readonly listener: string;
  /** The address that the connection came from. */
  readonly peer: string;
  readonly host: string | null;
  /** Which headers that proxies add have arrived: `via`, `cf-ray` and so on; no values. */
  readonly proxies: readonly string[];
}
