import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { createServer } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { checkServedCertificate } from '../../src/acme/self-check.ts';
import { realSystem } from '../../src/base/system.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { makeCertificate } from '../tls/make-certificate.ts';

const certificate = makeCertificate({ names: ['matrix.example.test'] });
const { fingerprint256 } = new X509Certificate(certificate.certPem);
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(server: ReturnType<typeof createPlainServer>): Promise<{ host: string; port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

it('a sidecar that shows what is stored is content, and has asked by the name', async () => {
  const asked: string[] = [];
  const server = createServer({
    cert: certificate.certPem,
    key: certificate.keyPem,
    SNICallback(name, done) {
      asked.push(name);
      done(null);
    },
  });
  server.on('tlsClientError', () => {});
  const at = await listen(server);
  const deps = { system: realSystem };
  expect(await checkServedCertificate(at, 'matrix.example.test', fingerprint256, deps)).toBeUndefined();
  expect(asked).toEqual(['matrix.example.test']);
  expect(await checkServedCertificate(at, 'matrix.example.test', 'AA:BB', deps)).toBe(
    `For matrix.example.test another certificate is served at 127.0.0.1 port ${at.port} than the one that is stored.`,
  );
});

it.each<[string, () => Promise<{ host: string; port: number }>, RegExp]>([
  [
    'nobody listens',
    async () => {
      const server = createPlainServer();
      const at = await listen(server);
      server.close();
      return at;
    },
    /^The sidecar cannot connect to itself at 127\.0\.0\.1 port \d+: .*ECONNREFUSED/,
  ],
  [
    'who listens hangs up',
    () => listen(createPlainServer((socket) => socket.destroy())),
    /^The sidecar cannot connect to itself at /,
  ],
  [
    'who listens says nothing',
    () => listen(createPlainServer((socket) => closing.push(() => socket.destroy()))),
    /^The sidecar does not answer itself at .* within 5 s\.$/,
  ],
])('where %s, that is said', async (_, open, words) => {
  const at = await open();
  expect(await checkServedCertificate(at, 'a.test', fingerprint256, { system: hurriedSystem })).toMatch(words);
});
