import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, sendRaw } from '../harness/client.ts';
import { captureClientHello, patch } from '../harness/client-hello.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
afterEach(() => edge.expectAlive());

/** Resolves with what was negotiated, rejects with the error of a client that was turned away. */
function handshake(sidecar: TestSidecar, options: ConnectionOptions, on: 'https' | 'federation' = 'https') {
  return new Promise<{ readonly protocol: string | null; readonly names: string }>((resolve, reject) => {
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port: sidecar[on],
      servername: 'localhost',
      ca: sidecar.ca,
      checkServerIdentity: () => undefined,
      ...options,
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve({ protocol: socket.getProtocol(), names: socket.getPeerCertificate().subjectaltname ?? '' });
      socket.destroy();
    });
  });
}

it('a client of TLS 1.2 that asks for another handshake on its connection gets none', async () => {
  const socket = connect({
    ...{ host: '127.0.0.1', port: edge.sidecar.https, servername: 'localhost', ca: edge.sidecar.ca },
    maxVersion: 'TLSv1.2',
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const outcome = await new Promise<string>((resolve) => {
    socket.once('close', () => resolve('refused'));
    socket.renegotiate({}, (error) => resolve(error === null ? 'renegotiated' : 'refused'));
  });
  expect(outcome).toBe('refused');
  socket.destroy();
});

describe('the name that a client asks for', () => {
  it.each([
    ['none', ''],
    ['of nobody here', 'unknown.example'],
    ['in upper case', 'A.TEST'],
    ['with a dot behind it', 'a.test.'],
    ['a wildcard', '*.test'],
    ['one label of 250 characters', 'a'.repeat(250)],
    ['dots alone', '...'],
    ['of what objects inherit', '__proto__'],
    ['with bytes that no name has', 'a b/c%00\u0007"<>'],
  ])('%s: the handshake succeeds, with the certificate of the server, and Host decides', async (_name, servername) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { protocol, names } = await handshake(edge.sidecar, { servername, maxVersion });
      expect(protocol).toBe(maxVersion);
      expect(names).toContain('DNS:a.test');
    }
    const answer = await ask(edge.sidecar, '/_matrix/client/versions', {
      servername,
      headers: { Host: 'a.test' },
      checkServerIdentity: () => undefined,
    });
    expect(answer.status).toBe(200);
  });

  it('as bytes that OpenSSL itself refuses: an alert at most, and closed', async () => {
    const hello = await captureClientHello({ servername: 'aaaaaaaa.test' });
    const names = ['aaaa\0aaa.test', '\xff'.repeat(13), '\0'.repeat(13), '.............', '-----------:\n'];
    await Promise.all(
      names.map(async (name) => {
        const outcome = await sendRaw(edge.sidecar, patch(hello, 'aaaaaaaa.test', name), { plain: true });
        expect(outcome.ended).toBe('closed');
        expect(outcome.ms).toBeLessThan(4_000);
        expect(outcome.text).not.toContain('HTTP');
      }),
    );
  });

  it('of nobody, with Host of nobody, is 421 where there are several servers; Host alone decides otherwise', async () => {
    const several = await startTestSidecar(
      `servers: [{ server_name: a.test, homeserver: "${edge.upstream.url}" }, { server_name: b.test, homeserver: "${edge.upstream.url}" }]`,
    );
    try {
      const status = async (servername: string, host: string): Promise<number> =>
        (
          await ask(several, '/_matrix/client/versions', {
            servername,
            headers: { Host: host },
            checkServerIdentity: () => undefined,
          })
        ).status;
      expect(await status('unknown.example', 'unknown.example')).toBe(421);
      expect(await status('', 'unknown.example')).toBe(421);
      expect(await status('unknown.example', 'b.test')).toBe(200);
      expect(await status('b.test', 'unknown.example')).toBe(200);
    } finally {
      await several.close();
    }
  });
});

describe('what is older than TLS 1.2, or weaker, is turned away:', () => {
  it.each([
    ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }, /PROTOCOL_VERSION/],
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, /PROTOCOL_VERSION/],
    [
      'ciphers without forward secrecy',
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:AES256-GCM-SHA384' },
      /HANDSHAKE_FAILURE/,
    ],
    [
      'ciphers in CBC mode',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA' },
      /HANDSHAKE_FAILURE/,
    ],
    ['ciphers without encryption', { maxVersion: 'TLSv1.2', ciphers: 'eNULL:@SECLEVEL=0' }, /HANDSHAKE_FAILURE/],
    ['application protocols of nobody', { ALPNProtocols: ['http/0.9', 'spdy/3'] }, /NO_APPLICATION_PROTOCOL/],
  ] as const)('%s', async (_name, options, code) => {
    for (const on of ['https', 'federation'] as const) {
      await expect(
        handshake(
          edge.sidecar,
          { ...options, ALPNProtocols: [...('ALPNProtocols' in options ? options.ALPNProtocols : [])] },
          on,
        ),
      ).rejects.toMatchObject({
        code: expect.stringMatching(code),
      });
    }
  });

  it('while TLS 1.2 and 1.3 are spoken', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { protocol } = await handshake(edge.sidecar, { minVersion: version, maxVersion: version });
      expect(protocol).toBe(version);
    }
  });
});
