import { createHmac } from 'node:crypto';
import type { Config } from '../config/config.ts';
import type { JsonObject } from '../matrix/json.ts';
import { parseServerName, type ServerName } from '../matrix/server-name.ts';
import { createSigningKey, type SigningKey, signJson } from '../matrix/signing.ts';

/**
 * In whose name the federation tester of a sidecar signs its requests, and with which keys.
 *
 * The name has to lead other servers to this sidecar without a DNS record, a certificate or a port of its own, and must
 * be nobody's on the wire. The place of a server's federation with a zero before the port is such a name:
 * `matrix.example.com:00443` is a server name by the grammar (port = 1*5DIGIT), leads to port 443 of matrix.example.com with
 * nothing else asked (step 2), and is sent as it is in Host (Synapse: MatrixFederationAgent), which no URL, no browser
 * and no delegated server does.
 *
 * The keys follow from a secret in the store and the minute: every test has a key that the tested server has yet to fetch,
 * whichever process runs the test and whichever answers.
 */

const MINUTE = 60_000;
/** Milliseconds: a test that began with the key of the last minute but one is over by now; clocks differ a little. */
const [BEFORE, AFTER] = [90_000, 5_000];
/** Long enough for a test and its repetition; a key that nobody uses any more is soon forgotten. Milliseconds. */
const VALIDITY = 2 * 3_600_000;

/** The name for a configuration; undefined where no server's federation is at a named host's port of four digits at most. */
export function chooseIdentity({ servers, listen }: Pick<Config, 'servers' | 'listen'>): ServerName | undefined {
  const places = servers.flatMap(({ serverName, delegateTo }) => {
    const { kind, host, port } = delegateTo ?? serverName;
    if (kind !== 'dns' || host.endsWith('.')) return [];
    if (port !== undefined) return [{ host, port }];
    return listen.federation.length === 0 ? [] : [{ host, port: 8448 }];
  });
  const place = places.find(({ port }) => port < 10_000);
  if (place === undefined) return undefined;
  const parsed = parseServerName(`${place.host}:${String(place.port).padStart(5, '0')}`);
  return parsed.ok ? parsed.value : undefined;
}

/** The key of a moment; `now` in milliseconds since the epoch. */
export function deriveKey(secret: Uint8Array, now: number): SigningKey {
  return keyOfMinute(secret, Math.floor(now / MINUTE));
}

/** The key document of a moment, signed with each of its keys. */
export function buildIdentityDocument(serverName: string, secret: Uint8Array, now: number): JsonObject {
  const [first, last] = [Math.floor((now - BEFORE) / MINUTE), Math.floor((now + AFTER) / MINUTE)];
  const keys = Array.from({ length: last - first + 1 }, (_, index) => keyOfMinute(secret, first + index));
  const document: JsonObject = {
    server_name: serverName,
    valid_until_ts: now + VALIDITY,
    verify_keys: Object.fromEntries(keys.map(({ keyId, publicKey }) => [keyId, { key: publicKey }])),
    old_verify_keys: {},
  };
  return keys.reduce((signed, key) => signJson(signed, serverName, key.keyId, key.privateKey), document);
}

function keyOfMinute(secret: Uint8Array, minute: number): SigningKey {
  return createSigningKey(
    `ed25519:t${minute}`,
    createHmac('sha256', secret).update(`key of minute ${minute}`).digest(),
  );
}
