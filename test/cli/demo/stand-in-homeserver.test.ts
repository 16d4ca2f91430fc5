import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Upstream } from '../../../src/base/address.ts';
import { good, type Parsed } from '../../../src/base/parsed.ts';
import { realSystem } from '../../../src/base/system.ts';
import { createStandInHomeserver, type StandInHomeserver } from '../../../src/cli/demo/stand-in-homeserver.ts';
import { buildKeyDocument, type KeyDocument, readKeyDocument } from '../../../src/matrix/key-document.ts';
import { parseServerName, type ServerName } from '../../../src/matrix/server-name.ts';
import { createSigningKey } from '../../../src/matrix/signing.ts';
import { type SignableRequest, signRequest } from '../../../src/matrix/x-matrix.ts';
import { requestPlainly } from './plain-request.ts';

const FREE_PORT: Upstream = { kind: 'tcp', host: '127.0.0.1', port: 0, text: 'http://127.0.0.1:0' };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const peerKey = createSigningKey('ed25519:p', Buffer.alloc(32, 5));

function name(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

async function fetchKeys(serverName: ServerName): Promise<Parsed<KeyDocument>> {
  if (serverName.text !== 'peer.example') return { ok: false, why: 'nobody knows it' };
  return readKeyDocument(buildKeyDocument('peer.example', peerKey, Date.now() + 60_000), 'peer.example', Date.now());
}

let homeserver: StandInHomeserver;
beforeEach(async () => {
  homeserver = await createStandInHomeserver(
    { serverName: name('here.example'), listen: FREE_PORT, fetchKeys },
    { system: realSystem, log },
  );
});
afterEach(() => homeserver.close());

const ask = (method: string, path: string, more?: Parameters<typeof requestPlainly>[3]) =>
  requestPlainly(homeserver.upstream, method, path, more);

describe('a stand-in homeserver', () => {
  test('publishes a key document that verifies and is valid for a day', async () => {
    const answer = await ask('GET', '/_matrix/key/v2/server');
    const read = readKeyDocument(answer.json, 'here.example', Date.now());
    expect(read).toEqual(good(expect.objectContaining({ serverName: 'here.example' })));
    expect(read.ok && read.value.verifyKeys.get('ed25519:demo')).toBe(homeserver.signingKey.publicKey);
    expect(Number(answer.json['valid_until_ts']) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  });

  test.each([
    ['GET', '/_matrix/federation/v1/version', 200, { server: { name: 'matrix-sidecar stand-in', version: '1' } }],
    ['GET', '/_matrix/client/versions', 200, { versions: ['v1.15'] }],
    ['GET', '/_matrix/client/v3/nothing', 404, { errcode: 'M_UNRECOGNIZED' }],
    ['POST', '/_matrix/client/versions', 404, { errcode: 'M_UNRECOGNIZED' }],
    ['GET', '/', 404, { errcode: 'M_UNRECOGNIZED' }],
  ])('answers %s %s with %d, as JSON with CORS', async (method, path, status, body) => {
    const answer = await ask(method, path);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject(body);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'access-control-allow-origin': '*' });
  });

  test('answers /health as Synapse does, and HEAD without a body', async () => {
    expect(await ask('GET', '/health')).toMatchObject({ status: 200, text: 'OK' });
    expect(await ask('HEAD', '/_matrix/client/versions')).toMatchObject({ status: 200, text: '' });
  });

  test('holds /sync for as long as it is asked to', async () => {
    const before = performance.now();
    expect((await ask('GET', '/_matrix/client/v3/sync')).json['next_batch']).toMatch(/^s\d+$/);
    const at = performance.now();
    expect((await ask('GET', '/_matrix/client/v3/sync?since=s1&timeout=300')).status).toBe(200);
    expect(at - before).toBeLessThan(290);
    expect(performance.now() - at).toBeGreaterThanOrEqual(290);
  });

  test('counts and hashes an upload', async () => {
    const body = Buffer.alloc(3_000_000, 'x');
    const answer = await ask('POST', '/_matrix/media/v3/upload?filename=a', { body });
    expect(answer.json).toMatchObject({ bytes: 3_000_000, sha256: createHash('sha256').update(body).digest('hex') });
  });

  test('refuses a body over 64 MiB by its length, before it comes', async () => {
    const headers = { 'Content-Length': String(64 * 1024 * 1024 + 1) };
    const answer = await new Promise<string>((resolve, reject) => {
      const { host, port } = homeserver.upstream as Extract<Upstream, { kind: 'tcp' }>;
      const socket = connect({ host, port });
      socket.on('error', reject);
      socket.write(
        `POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${headers['Content-Length']}\r\n\r\n`,
      );
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('end', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('M_TOO_LARGE');
  });

  test('refuses a chunked body once it has more than 64 MiB', async () => {
    const body = Buffer.alloc(66 * 1024 * 1024);
    const answer = await ask('POST', '/_matrix/media/v3/upload', {
      body,
      headers: { 'Transfer-Encoding': 'chunked' },
    }).catch((error: NodeJS.ErrnoException) => error.code);
    // The answer may be lost to the reset that follows it: the sender was still sending.
    expect([413, 'EPIPE', 'ECONNRESET']).toContain(typeof answer === 'object' ? answer.status : answer);
    expect((await ask('GET', '/health')).status).toBe(200);
  });
});

describe('an authenticated federation request', () => {
  const target = "/_matrix/federation/v1/query/echo%2F%21%24/a//b?x=%23&y='";
  const signed = (changes: Partial<SignableRequest> = {}) =>
    signRequest(
      { method: 'GET', uri: target, origin: 'peer.example', destination: 'here.example', ...changes },
      peerKey,
    );

  test('is accepted, and its bytes and headers are told as they arrived', async () => {
    const content = { pdus: [], text: 'ä' };
    const body = JSON.stringify(content);
    const answer = await ask('PUT', target, {
      host: 'matrix.here.example:443',
      body,
      headers: {
        Authorization: signed({ method: 'PUT', content }),
        'X-Forwarded-For': '192.0.2.1',
        'X-Forwarded-Proto': 'https',
        'X-Request-Id': 'abc',
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      method: 'PUT',
      uri: target,
      origin: 'peer.example',
      host: 'matrix.here.example:443',
      x_forwarded_for: '192.0.2.1',
      x_forwarded_proto: 'https',
      x_request_id: 'abc',
      body_sha256: createHash('sha256').update(body).digest('hex'),
      body_bytes: Buffer.byteLength(body),
    });
  });

  test('is found among several Authorization lines, and absent headers are null', async () => {
    const answer = await ask('GET', target, { headers: { Authorization: ['Bearer x', signed()] } });
    expect(answer.json).toMatchObject({ uri: target, x_forwarded_for: null, x_request_id: null, body_bytes: 0 });
  });

  test.each<[string, string, Record<string, string>, string | undefined, RegExp]>([
    ['without a header', target, {}, undefined, /no X-Matrix/],
    ['with a malformed header', target, { Authorization: 'X-Matrix x' }, undefined, /not a list/],
    ['of an unknown origin', target, { Authorization: signed({ origin: 'x.example' }) }, undefined, /nobody knows it/],
    ['for another destination', target, { Authorization: signed({ destination: 'x' }) }, undefined, /meant for x/],
    [
      'with a key that is not published',
      target,
      { Authorization: signed().replace('ed25519:p', 'ed25519:q') },
      undefined,
      /not publish/,
    ],
    [
      'whose target changed on the way',
      target.replace('//', '/'),
      { Authorization: signed() },
      undefined,
      /does not match/,
    ],
    [
      'whose escapes changed on the way',
      target.replace('%21', '!'),
      { Authorization: signed() },
      undefined,
      /does not match/,
    ],
    ['whose body was added on the way', target, { Authorization: signed() }, '{}', /does not match/],
    ['whose body is no JSON', target, { Authorization: signed() }, '{', /no JSON/],
    ['whose body is a list', target, { Authorization: signed() }, '[]', /no JSON object/],
  ])('%s is refused with 401 and the reason', async (_, path, headers, body, why) => {
    const answer = await ask('GET', path, {
      headers: { ...headers, ...(body === undefined ? {} : { 'Content-Length': String(body.length) }) },
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ errcode: 'M_UNAUTHORIZED', error: expect.stringMatching(why) });
  });
});

describe('the life of a stand-in homeserver', () => {
  test('it stops at once, with a long poll open, and starts again in the same place', async () => {
    const poll = ask('GET', '/_matrix/client/v3/sync?timeout=30000').then(
      () => 'answered',
      () => 'dropped',
    );
    while (homeserver.requestCount() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await homeserver.stop();
    expect(await poll).toBe('dropped');
    await expect(ask('GET', '/health')).rejects.toThrow('ECONNREFUSED');
    await homeserver.start();
    expect((await ask('GET', '/health')).status).toBe(200);
  });

  test('closing it twice is closing it once, and it does not start again', async () => {
    await Promise.all([homeserver.close(), homeserver.close()]);
    await homeserver.start();
    await expect(ask('GET', '/health')).rejects.toThrow('ECONNREFUSED');
  });

  test('it listens on a Unix socket as well', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stand-in-'));
    const path = join(folder, 'hs.sock');
    const listen: Upstream = { kind: 'unix', path, text: `unix:${path}` };
    const other = await createStandInHomeserver(
      { serverName: name('unix.example'), listen, fetchKeys },
      { system: realSystem, log },
    );
    try {
      expect((await requestPlainly(other.upstream, 'GET', '/health')).text).toBe('OK');
    } finally {
      await other.close();
      await rm(folder, { recursive: true });
    }
  });
});
