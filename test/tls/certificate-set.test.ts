import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { buildContext, createCertificateSet } from '../../src/tls/certificate-set.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { servedTo, shake, startServer, type TestServer } from './handshake.ts';
import { DAY, makeCertificate, makeEcCertificate, read } from './make-certificate.ts';

const root = makeCertificate({ commonName: 'Root', ca: true });
const make = (names: string[], days = 60) =>
  read(makeEcCertificate(names, root, 'P-256', { notAfter: Date.now() + days * DAY }));
const fallback = make(['default.test']);
const exact = make(['a.example.com']);
const wildcard = make(['*.example.com']);
const ip = make(['192.0.2.1', '2001:db8::1']);
const rsa = read(makeCertificate({ names: ['rsa.test'], issuer: root }));
const set = createCertificateSet([fallback, exact, wildcard, ip, rsa]);

describe('choosing a certificate', () => {
  it.each([
    // Whoever names nobody was told an address, or is from before SNI.
    [undefined, ip, 'default'],
    ['', fallback, 'default'],
    ['unknown.test', fallback, 'default'],
    ['default.test', fallback, 'exact'],
    ['a.example.com', exact, 'exact'],
    ['A.EXAMPLE.com', exact, 'exact'],
    ['b.example.com', wildcard, 'wildcard'],
    ['B.example.COM', wildcard, 'wildcard'],
    ['a.b.example.com', fallback, 'default'],
    ['example.com', fallback, 'default'],
    ['192.0.2.1', ip, 'exact'],
    ['2001:DB8:0::1', ip, 'exact'],
    ['192.0.2.2', fallback, 'default'],
  ] as const)('for %s', (name, certificate, why) => {
    const choice = set.choose(name);
    expect([choice.certificate.dnsNames, choice.why]).toEqual([certificate.dnsNames, why]);
  });

  it('takes the one that is valid longest where several cover a name', () => {
    const [short, long] = [make(['x.test'], 10), make(['x.test', 'y.test'], 20)];
    expect(createCertificateSet([short, long]).choose('x.test').certificate).toBe(long);
    expect(createCertificateSet([long, short]).choose('x.test').certificate).toBe(long);
  });

  it('takes an exact name before a wildcard that is valid longer', () => {
    const [named, wild] = [make(['x.y.test'], 10), make(['*.y.test'], 20)];
    expect(createCertificateSet([wild, named]).choose('x.y.test')).toMatchObject({ certificate: named, why: 'exact' });
  });

  it('takes a preferred one wherever it covers the name, and the others for the rest', () => {
    const [own, shared, other] = [make(['*.y.test'], 10), make(['x.y.test'], 20), make(['z.test'])];
    const both = createCertificateSet([shared, other], 'x.y.test', [own]);
    expect(both.choose('x.y.test')).toMatchObject({ certificate: own, why: 'wildcard' });
    expect(both.choose('z.test')).toMatchObject({ certificate: other, why: 'exact' });
    expect(both.choose(undefined)).toMatchObject({ certificate: own, why: 'default' });
    expect(both.certificates).toEqual([own, shared, other]);
  });

  it('takes the certificate of the default name by default', () => {
    expect(createCertificateSet([exact, fallback], 'default.test').choose('?').certificate).toBe(fallback);
    expect(createCertificateSet([exact, fallback], 'gone.test').choose('?').certificate).toBe(exact);
  });

  it('builds the context of a certificate once', () => {
    expect(set.choose('a.example.com').context).toBe(set.choose('A.example.com').context);
  });

  it('cannot be empty', () => {
    expect(() => createCertificateSet([])).toThrow(SidecarError);
  });

  it('says so when OpenSSL refuses a certificate', () => {
    const weak = read(makeCertificate({ names: ['weak.test'], bits: 1024 }));
    const mixed = parsePemCertificate(exact.chainPem, fallback.keyPem, 'mixed.pem');
    for (const certificate of [weak, mixed]) {
      expect(() => buildContext(certificate)).toThrow(`OpenSSL refuses the certificate in ${certificate.origin}`);
    }
  });
});

describe('in real handshakes', () => {
  let running: TestServer | undefined;
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  it('the certificate that the name asks for is served, RSA and EC side by side', async () => {
    running = await startServer(() => set);
    const { port } = running;
    for (const [name, certificate] of [
      [undefined, ip],
      ['a.example.com', exact],
      ['A.Example.COM', exact],
      ['b.example.com', wildcard],
      ['x.unknown.test', fallback],
      ['rsa.test', rsa],
    ] as const) {
      expect(await servedTo(port, name)).toBe(certificate.fingerprint256);
    }
  });

  it.each([
    ['TLSv1.3', 'a.example.com', 'TLS_AES_'],
    ['TLSv1.2', 'a.example.com', 'ECDHE-ECDSA-'],
    ['TLSv1.2', 'rsa.test', 'ECDHE-RSA-'],
  ] as const)('a client with %s gets to %s by %s', async (version, servername, cipher) => {
    running = await startServer(() => set);
    const options = { minVersion: version, maxVersion: version, servername, ca: root.certPem };
    const socket = await shake(running.port, options);
    expect(socket.authorized).toBe(true);
    expect(socket.getProtocol()).toBe(version);
    expect(socket.getCipher().name).toMatch(new RegExp(`^${cipher}`));
    socket.destroy();
  });

  it.each([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
    ['no forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:AES256-SHA' }],
    ['no AEAD', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA' }],
  ] as const)('a client with %s is turned away', async (_, options) => {
    running = await startServer(() => set);
    const attempt = shake(running.port, { ...options, servername: 'a.example.com', rejectUnauthorized: false });
    await expect(attempt).rejects.toThrow(/alert|version|reset|socket/i);
  });

  it('a swapped set serves new connections and leaves live ones alone', async () => {
    let current = createCertificateSet([make(['x.test'])]);
    running = await startServer(() => current);
    const live = await shake(running.port, { servername: 'x.test', ca: root.certPem });
    const next = make(['x.test']);
    current = createCertificateSet([next]);
    expect(await servedTo(running.port, 'x.test')).toBe(next.fingerprint256);
    live.write('still here');
    const [echo] = (await once(live, 'data')) as [Buffer];
    expect(echo.toString()).toBe('still here');
    live.destroy();
  });
});
