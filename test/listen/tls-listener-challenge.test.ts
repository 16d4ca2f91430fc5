import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { makeChallengeCertificate } from '../../src/acme/solvers/challenge-certificate.ts';
import { realSystem } from '../../src/base/system.ts';
import { until } from '../harness/until.ts';
import { shake } from '../tls/handshake.ts';
import { makeCertificate } from '../tls/make-certificate.ts';
import { type ListenerUnderTest, type ListenerWish, startDripper, startListener } from './challenge-listener.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const identifier = { type: 'dns', value: 'new.test' } as const;
const { certPem, keyPem } = await makeChallengeCertificate(identifier, 'token.thumbprint', realSystem);
const ecContext = createSecureContext({ cert: certPem, key: keyPem });
const rsa = makeCertificate({ names: ['new.test'] });
const rsaContext = createSecureContext({ cert: rsa.certPem, key: rsa.keyPem });

async function start(wish: ListenerWish): Promise<ListenerUnderTest> {
  const listener = await startListener(wish);
  closers.push(() => listener.close());
  return listener;
}

const underWay = (context: SecureContext = ecContext) => new Map([['new.test', context]]);
const VALIDATION: ConnectionOptions = {
  servername: 'new.test',
  ALPNProtocols: ['acme-tls/1'],
  rejectUnauthorized: false,
};
const VISITOR: ConnectionOptions = { servername: 'site.test', rejectUnauthorized: false };

/** A CA's visit: the names in the certificate that it was shown. */
async function validate(port: number, more: ConnectionOptions = {}): Promise<string | undefined> {
  const socket = await shake(port, { ...VALIDATION, ...more });
  expect(socket.alpnProtocol).toBe('acme-tls/1');
  const names = socket.getPeerCertificate().subjectaltname;
  socket.resume();
  await once(socket, 'close');
  return names;
}

async function ask1(port: number, more: ConnectionOptions = {}): Promise<string> {
  const socket = await shake(port, { ...VISITOR, ...more });
  expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:site.test');
  socket.write('GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
  return text(socket);
}

async function ask2(port: number): Promise<string> {
  const session = connectHttp2(`https://site.test:${port}`, { ...VISITOR, host: '127.0.0.1' });
  const stream = session.request({ ':path': '/' });
  const body = await text(stream);
  session.close();
  return body;
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let body = '';
  for await (const chunk of stream) body += String(chunk);
  return body;
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const only = (version: (typeof VERSIONS)[number]): ConnectionOptions => ({ minVersion: version, maxVersion: version });

describe('a listener while a tls-alpn-01 challenge is under way', () => {
  describe.each(VERSIONS)('%s', (version) => {
    it.each([
      ['rsa', 'EC', ecContext],
      ['ec', 'EC', ecContext],
      ['ec', 'RSA', rsaContext],
    ] as const)('shows the CA the challenge certificate: site with %s, challenge with %s', async (key, _, context) => {
      const listener = await start({ key, challenges: underWay(context) });
      expect(await validate(listener.port, only(version))).toBe('DNS:new.test');
      expect(listener.refused).toEqual([]);
    });

    it('serves visitors over HTTP/1.1 and without ALPN as ever', async () => {
      const { port, refused } = await start({ challenges: underWay() });
      expect(await ask1(port, { ...only(version), ALPNProtocols: ['http/1.1'] })).toContain('served by h1');
      expect(await ask1(port, only(version))).toContain('served by h1');
      expect(refused).toEqual([]);
    });

    it.each([1, 7, 400])('serves the CA and visitors whose hello drips by %i bytes', async (size) => {
      const listener = await start({ challenges: underWay() });
      const dripper = await startDripper(listener.port, size);
      closers.push(() => dripper.close());
      const [names, body] = await Promise.all([
        validate(dripper.port, only(version)),
        ask1(dripper.port, only(version)),
      ]);
      expect(names).toBe('DNS:new.test');
      expect(body).toContain('served by h1');
    });
  });

  it('serves visitors over HTTP/2 as ever', async () => {
    const { port } = await start({ challenges: underWay() });
    expect(await ask2(port)).toBe('served by h2');
  });

  it('lets visitors resume their sessions', async () => {
    const { port } = await start({ challenges: underWay() });
    const first = await shake(port, { ...VISITOR, ...only('TLSv1.3') });
    const ticket = once(first, 'session');
    first.write('GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
    expect(await text(first)).toContain('served by h1');
    const [session] = (await ticket) as [Buffer];
    const again = await shake(port, { ...VISITOR, session });
    expect(again.isSessionReused()).toBe(true);
    again.write('GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
    expect(await text(again)).toContain('served by h1');
  });

  it('serves hellos with post-quantum keys and hellos of many kilobytes', async () => {
    const { port } = await start({ challenges: underWay() });
    const ALPNProtocols = ['http/1.1', ...Array.from({ length: 200 }, (_, index) => `${'x'.repeat(150)}${index}`)];
    expect(await ask1(port, { ecdhCurve: 'X25519MLKEM768:X25519' })).toContain('served by h1');
    expect(await ask1(port, { ALPNProtocols })).toContain('served by h1');
    expect(await validate(port, { ecdhCurve: 'X25519MLKEM768' })).toBe('DNS:new.test');
  });

  it.each([
    ['for a name without a challenge', { servername: 'other.test' }],
    ['without a server name', { servername: '' }],
  ])('refuses the protocol of CAs %s', async (_, more) => {
    const { port } = await start({ challenges: underWay() });
    await expect(shake(port, { ...VALIDATION, ...more })).rejects.toThrow(/no application protocol/i);
  });

  it('serves the CA and visitors behind a PROXY header', async () => {
    const { port, refused } = await start({ challenges: underWay(), proxied: true });
    const proxied = (): ConnectionOptions => {
      const socket = connectTcp({ host: '127.0.0.1', port });
      socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n');
      return { socket };
    };
    expect(await validate(port, proxied())).toBe('DNS:new.test');
    expect(await ask1(port, proxied())).toContain('served by h1');
    expect(refused).toEqual([]);
  });

  it('takes nobody for a CA who offers another protocol as well', async () => {
    const { port } = await start({ challenges: underWay() });
    const socket = await shake(port, { ...VALIDATION, ALPNProtocols: ['acme-tls/1', 'http/1.1'] });
    closers.push(() => socket.destroy());
    expect(socket.alpnProtocol).toBe('http/1.1');
    expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:site.test');
  });

  it('ends a connection of the CA after the handshake, whatever is said on it', async () => {
    const { port, refused } = await start({ challenges: underWay() });
    const socket = await shake(port, VALIDATION);
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: new.test\r\n\r\n');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += String(chunk);
    });
    await once(socket, 'close');
    expect(heard).toBe('');
    expect(refused).toEqual([]);
  });

  it('tells plain HTTP that this is a port for HTTPS, as ever', async () => {
    const { port } = await start({ challenges: underWay() });
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.write('GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it.each([
    ['zeros', Buffer.alloc(500)],
    [
      'a record header and nothing that makes sense',
      Buffer.concat([Buffer.from('1603010100', 'hex'), Buffer.alloc(256, 7)]),
    ],
    [
      'an endless hello',
      Buffer.concat([Buffer.from('160301400001 00ffff'.replace(' ', ''), 'hex'), Buffer.alloc(80_000)]),
    ],
  ])('ends connections that say garbage: %s', async (_, garbage) => {
    const { port, refused } = await start({ challenges: underWay() });
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(garbage);
    await once(socket, 'close');
    await until('it is refused', () => refused.length === 1);
    expect(await ask1(port)).toContain('served by h1');
  });

  it('ends connections that leave in the middle of a hello, and says so', async () => {
    const { port, refused } = await start({ challenges: underWay() });
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.resume();
    socket.end(Buffer.from('16030102000100', 'hex'));
    await once(socket, 'close');
    await until('it is refused', () => refused.length === 1);
    expect(refused).toEqual(['the connection ended before its ClientHello']);
  });

  it('gives a hello no more time than any handshake', async () => {
    const { port, refused } = await start({ challenges: underWay(), handshakeTimeout: 300 });
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.resume();
    const began = performance.now();
    const drip = setInterval(() => socket.write(Buffer.from([22])), 20);
    closers.push(() => clearInterval(drip));
    socket.write(Buffer.from('16030102000100', 'hex'));
    // Not events.once, which fails where the cut comes as a reset.
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(refused).toEqual(['no TLS handshake within 300 ms']);
  });

  it('keeps no timer for a CA that has been served', async () => {
    const { port, refused } = await start({ challenges: underWay(), handshakeTimeout: 200 });
    await validate(port);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(refused).toEqual([]);
  });
});

describe('a listener while no challenge is under way', () => {
  it('looks at no ClientHello', async () => {
    const { port, asked } = await start({ challenges: new Map() });
    expect(await ask1(port)).toContain('served by h1');
    await expect(shake(port, VALIDATION)).rejects.toThrow(/no application protocol/i);
    expect(asked()).toBe(0);
  });

  it('answers a CA as soon as one is under way, and not any longer', async () => {
    const challenges = new Map<string, SecureContext>();
    const { port } = await start({ challenges });
    challenges.set('new.test', ecContext);
    expect(await validate(port)).toBe('DNS:new.test');
    challenges.clear();
    await expect(shake(port, VALIDATION)).rejects.toThrow(/no application protocol/i);
  });

  it('refuses the protocol of CAs where challenges are none of its business', async () => {
    const { port } = await start({});
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ...VALIDATION });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/no application protocol/i);
  });
});
