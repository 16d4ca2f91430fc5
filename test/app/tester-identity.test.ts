import { describe, expect, it } from 'vitest';
import { buildIdentityDocument, chooseIdentity, deriveKey } from '../../src/app/tester-identity.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { readKeyDocument } from '../../src/matrix/key-document.ts';
import { parseXMatrix, signRequest, verifyRequest } from '../../src/matrix/x-matrix.ts';

const SECRET = Buffer.alloc(32, 5);
const NOW = Date.UTC(2027, 0, 15, 12, 0, 30);

function choose(env: Readonly<Record<string, string>>): string | undefined {
  const loaded = loadConfig({ file: undefined, env: { HOMESERVER: 'http://hs:8008', ...env }, cwd: '/tmp' });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return chooseIdentity(loaded.config)?.text;
}

describe('the name', () => {
  it.each([
    [
      'the delegated host, its port with zeros',
      { SERVER_NAME: 'example.com', DELEGATE_TO: 'matrix.example.com:443' },
      'matrix.example.com:00443',
    ],
    ['port 8448 of the server name', { SERVER_NAME: 'example.com' }, 'example.com:08448'],
    [
      'port 8448 of a delegated host without port',
      { SERVER_NAME: 'example.com', DELEGATE_TO: 'm.example.com' },
      'm.example.com:08448',
    ],
    ['the port of the server name', { SERVER_NAME: 'example.com:8449' }, 'example.com:08449'],
    ['none for a port that has no room for a zero', { SERVER_NAME: 'example.com:18448' }, undefined],
    ['none for an address', { SERVER_NAME: '192.0.2.1' }, undefined],
    ['none where nobody listens', { SERVER_NAME: 'example.com', LISTEN_FEDERATION: 'off' }, undefined],
  ])('is %s', (_, env, name) => {
    expect(choose(env)).toBe(name);
  });
});

describe('the keys', () => {
  const name = 'm.example.com:00443';
  const read = (now: number) => readKeyDocument(buildIdentityDocument(name, SECRET, now), name, now);

  it('are published with a document that other servers accept', () => {
    const document = read(NOW);
    expect(document).toMatchObject({ ok: true });
  });

  it.each([
    ['at once', 0],
    ['a minute later', 60_000],
    ['at the end of a test', 85_000],
    ['by a clock that is a little slow', -4_000],
  ])('of a test that begins now are published %s', (_, later) => {
    for (const now of [NOW, NOW + 29_999, NOW + 30_000]) {
      const document = read(now + later);
      const key = deriveKey(SECRET, now);
      expect(document.ok && document.value.verifyKeys.get(key.keyId)).toBe(key.publicKey);
    }
  });

  it('are others each minute, so that a server which has old ones asks again', () => {
    expect(deriveKey(SECRET, NOW).keyId).not.toBe(deriveKey(SECRET, NOW + 60_000).keyId);
    expect(deriveKey(SECRET, NOW)).toMatchObject({ publicKey: deriveKey(SECRET, NOW + 20_000).publicKey });
    expect(deriveKey(Buffer.alloc(32, 6), NOW).publicKey).not.toBe(deriveKey(SECRET, NOW).publicKey);
  });

  it('sign what others can verify', () => {
    const key = deriveKey(SECRET, NOW);
    const request = { method: 'GET', uri: '/_matrix/federation/v1/event/x', origin: name, destination: 'b.test' };
    const header = parseXMatrix(signRequest(request, key));
    expect(header.ok && verifyRequest(header.value, request, 'b.test', key.publicKey).ok).toBe(true);
  });
});
