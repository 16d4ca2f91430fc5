import { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createHttpsExchange } from '../../src/base/create-https-exchange.ts';
import type { HttpsFailure, HttpsOutcome, HttpsRequest } from '../../src/base/https-exchange.ts';
import { realSystem } from '../../src/base/system.ts';
import { parseTrustBundle } from '../../src/base/trust-bundle.ts';
import { startTcpPeer, startTlsPeer, type TestPeer } from '../harness/tls-peer.ts';
import { DAY, type Made, makeCertificate } from '../tls/make-certificate.ts';

const root = makeCertificate({ commonName: 'Test Root', ca: true });
const intermediate = makeCertificate({ commonName: 'Test Intermediate', ca: true, issuer: root });
const leaf = makeCertificate({ names: ['peer.test', '*.wild.test', '127.0.0.1'], issuer: intermediate });
const exchange = createHttpsExchange({ system: realSystem, ca: [root.certPem] });

let peers: TestPeer[] = [];
afterEach(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  peers = [];
});

const pem = (...made: Made[]): string => made.map(({ certPem }) => certPem).join('');
const served = { cert: pem(leaf, intermediate), key: leaf.keyPem, ALPNProtocols: ['http/1.1'] };

async function tlsPeer(serve: (socket: TLSSocket) => void, options: object = served): Promise<TestPeer> {
  const peer = await startTlsPeer(options, serve);
  peers.push(peer);
  return peer;
}

async function tcpPeer(serve: (socket: Socket) => void): Promise<TestPeer> {
  const peer = await startTcpPeer(serve);
  peers.push(peer);
  return peer;
}

/** Says these bytes to whoever has sent a whole head. */
function saying(...parts: readonly string[]): (socket: TLSSocket) => void {
  return (socket) => {
    socket.once('data', () => {
      for (const part of parts) socket.write(Buffer.from(part, 'latin1'));
      socket.end();
    });
  };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

type Wish = Partial<HttpsRequest> & { readonly verify?: boolean; readonly signal?: AbortSignal };

function ask({ port }: { readonly port: number }, wish: Wish = {}): Promise<HttpsOutcome> {
  const { verify = true, signal = new AbortController().signal, ...request } = wish;
  return exchange.request(
    {
      address: '127.0.0.1',
      port,
      certificateName: 'peer.test',
      host: 'peer.test',
      method: 'GET',
      target: '/',
      maxBody: 1000,
      deadline: { connect: 2000, handshake: 2000, total: 5000 },
      ...request,
    },
    { verify, signal },
  );
}

async function answered(peer: { readonly port: number }, wish: Wish = {}) {
  const outcome = await ask(peer, wish);
  if (!outcome.ok) throw new Error(`${outcome.failure}: ${outcome.words}`);
  return outcome;
}

async function failed(peer: { readonly port: number }, wish: Wish = {}) {
  const outcome = await ask(peer, wish);
  if (outcome.ok) throw new Error(`answered with ${outcome.status}`);
  return outcome;
}

describe('a request over TLS', () => {
  it('comes back with the status, the headers as they were sent, and the body', async () => {
    const peer = await tlsPeer(
      saying('HTTP/1.1 418 \r\nX-One: a\r\nx-two:  b\r\nX-One: c\r\nContent-Length: 3\r\n\r\n\u00e4bc'),
    );
    const outcome = await answered(peer);
    expect(outcome).toMatchObject({ status: 418, cut: false, body: Buffer.from('\u00e4bc', 'latin1') });
    expect(outcome.headers).toEqual([
      ['X-One', 'a'],
      ['x-two', 'b'],
      ['X-One', 'c'],
      ['Content-Length', '3'],
    ]);
    expect(outcome.took).toBeGreaterThan(0);
  });

  it('is written exactly as it was given, with a connection of its own', async () => {
    const peer = await tlsPeer(saying(OK));
    const target = "/%2F..//%21'\u00e4\u00ff?a=%24#x\\{}|";
    await answered(peer, { target, host: 'Example.COM:8448', headers: [['Authorization', 'X-Matrix origin="a"']] });
    expect(peer.received()).toBe(
      `GET ${target} HTTP/1.1\r\nHost: Example.COM:8448\r\nAuthorization: X-Matrix origin="a"\r\nConnection: close\r\n\r\n`,
    );
  });

  it('knows what the peer showed in its handshake', async () => {
    const { tls } = await answered(await tlsPeer(saying(OK)));
    expect(tls).toMatchObject({ version: 'TLS 1.3', alpn: 'http/1.1', untrusted: undefined });
    expect(tls.cipherSuite).toMatch(/^TLS_AES_/);
    expect(tls.chain.map((der) => new X509Certificate(der).subject)).toEqual(['CN=peer.test', 'CN=Test Intermediate']);
    const old = await answered(
      await tlsPeer(saying(OK), { ...served, maxVersion: 'TLSv1.2', ALPNProtocols: undefined }),
    );
    expect(old.tls).toMatchObject({ version: 'TLS 1.2', alpn: undefined });
    expect(old.tls.cipherSuite).toMatch(/^TLS_ECDHE_RSA_WITH_/);
  });

  it('names the server in SNI when it has a name, and not when it has an address', async () => {
    const peer = await tlsPeer(saying(OK));
    await answered(peer, { certificateName: 'a.wild.test' });
    await answered(peer, { certificateName: 'peer.test.', verify: false });
    await answered(peer, { certificateName: '127.0.0.1' });
    expect(peer.names).toEqual(['a.wild.test', 'peer.test', undefined]);
  });

  it('carries a body of 12 MB', async () => {
    const body = Buffer.alloc(12_000_000, 'x');
    const peer = await tlsPeer((socket) => {
      let length = 0;
      socket.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > body.length) socket.end(OK);
      });
    });
    const outcome = await answered(peer, { method: 'PUT', body });
    expect(outcome.status).toBe(200);
    const received = peer.received();
    expect(received.length - received.indexOf('\r\n\r\n') - 4).toBe(body.length);
    expect(received.slice(0, 200)).toContain('\r\nContent-Length: 12000000\r\n');
  });

  it.each([
    ['and waits', false],
    ['and hangs up', true],
  ])('gives an answer that comes before the body is through, from a server that answers %s', async (_, hangUp) => {
    const peer = await tlsPeer((socket) => {
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        if (hangUp) setTimeout(() => socket.destroy(), 20);
      });
    });
    for (let round = 0; round < 10; round++) {
      expect(await answered(peer, { method: 'PUT', body: Buffer.alloc(12_000_000) })).toMatchObject({ status: 413 });
    }
  });

  it.each([
    ['of a known length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody', 'body', false],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x\r\ndy\r\n0\r\n\r\n',
      'body',
      false,
    ],
    ['until the end', 'HTTP/1.0 200 OK\r\n\r\nbody', 'body', false],
    ['that is missing', 'HTTP/1.1 204 No Content\r\n\r\n', '', false],
    ['of just the limit', `HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678`, '12345678', false],
    ['over the limit', `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789`, '12345678', true],
    ['after interim answers', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`, 'hi', false],
    ['behind a switch of protocols', 'HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxx', '', false],
  ])('reads a body %s', async (_, bytes, body, cut) => {
    const outcome = await answered(await tlsPeer(saying(bytes)), { maxBody: 8 });
    expect({ body: outcome.body.toString(), cut: outcome.cut }).toEqual({ body, cut });
  });

  it('refuses to send what would be another request', async () => {
    for (const wish of [{ target: '/ HTTP/1.1\r\nX: y' }, { target: '' }, { host: 'a\r\nX: y' }]) {
      const peer = await tlsPeer(saying(OK));
      await expect(ask(peer, wish)).rejects.toThrow(TypeError);
      expect(peer.received()).toBe('');
    }
  });
});

describe('a certificate', () => {
  const chainOf = (...made: Made[]) => ({ cert: pem(...made), key: made[0]!.keyPem });
  const expired = makeCertificate({ names: ['peer.test'], issuer: root, notAfter: Date.now() - DAY / 2 });
  const early = makeCertificate({ names: ['peer.test'], issuer: root, notBefore: Date.now() + DAY / 2 });
  const nameless = makeCertificate({ commonName: 'peer.test', issuer: root });
  const self = makeCertificate({ names: ['peer.test'] });
  const otherRoot = makeCertificate({ commonName: 'Other Root', ca: true });
  const stranger = makeCertificate({ names: ['peer.test'], issuer: otherRoot });

  it.each<[string, object, string, string | undefined, number]>([
    ['with its chain, for the name', chainOf(leaf, intermediate), 'peer.test', undefined, 2],
    ['with its root as well', chainOf(leaf, intermediate, root), 'PEER.test', undefined, 3],
    ['for a wildcard', chainOf(leaf, intermediate), 'a.wild.test', undefined, 2],
    ['for a wildcard of one label only', chainOf(leaf, intermediate), 'a.b.wild.test', 'HOSTNAME_MISMATCH', 2],
    ['for an address', chainOf(leaf, intermediate), '127.0.0.1', undefined, 2],
    ['for another address', chainOf(leaf, intermediate), '127.0.0.2', 'IP_ADDRESS_MISMATCH', 2],
    ['for another IPv6 address', chainOf(leaf, intermediate), '::1', 'IP_ADDRESS_MISMATCH', 2],
    ['for another name', chainOf(leaf, intermediate), 'matrix.peer.test', 'HOSTNAME_MISMATCH', 2],
    ['with the name in its subject alone', chainOf(nameless), 'peer.test', 'HOSTNAME_MISMATCH', 1],
    ['without its intermediate', chainOf(leaf), 'peer.test', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 1],
    ['with something else instead', chainOf(leaf, self), 'peer.test', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 2],
    ['that is self-signed', chainOf(self), 'peer.test', 'DEPTH_ZERO_SELF_SIGNED_CERT', 1],
    ['below a root of their own', chainOf(stranger, otherRoot), 'peer.test', 'SELF_SIGNED_CERT_IN_CHAIN', 2],
    ['that has expired', chainOf(expired), 'peer.test', 'CERT_HAS_EXPIRED', 1],
    ['that is not valid yet', chainOf(early), 'peer.test', 'CERT_NOT_YET_VALID', 1],
  ])('%s', async (_, options, certificateName, code, sent) => {
    const peer = await tlsPeer(saying(OK), options);
    const outcome = await answered(peer, { certificateName, verify: false });
    expect(outcome.tls.untrusted?.code).toBe(code);
    expect(outcome.tls.chain.length).toBe(sent);
    if (code === undefined) return;
    const before = peer.received();
    const refused = await failed(peer, { certificateName });
    expect(refused).toMatchObject({ failure: 'untrusted', words: outcome.tls.untrusted?.words });
    expect(refused.tls?.chain.length).toBe(sent);
    expect(peer.received()).toBe(before);
  });

  it('is not trusted for what others trust: a bundle counts beside the roots, nothing else', async () => {
    const peer = await tlsPeer(saying(OK));
    const strict = createHttpsExchange({ system: realSystem });
    const request = { address: '127.0.0.1', port: peer.port, certificateName: 'peer.test', host: 'x', method: 'GET' };
    const outcome = await strict.request(
      { ...request, target: '/', maxBody: 10, deadline: { connect: 1000, handshake: 1000, total: 3000 } },
      { verify: true, signal: new AbortController().signal },
    );
    expect(outcome).toMatchObject({ ok: false, failure: 'untrusted' });
  });
});

describe('a server that misbehaves', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const endless = (head: string, more: string) => (socket: TLSSocket) => {
    const piece = Buffer.from(more.repeat(Math.ceil(16_384 / more.length)), 'latin1');
    socket.once('data', () => {
      socket.write(head);
      const go = (): void => {
        while (!socket.destroyed && socket.write(piece)) {}
      };
      socket.on('drain', go);
      go();
    });
  };
  const drip = (head: string, byte: string) => (socket: TLSSocket) => {
    socket.once('data', () => {
      socket.write(head);
      const timer = setInterval(() => socket.write(byte), 20);
      socket.once('close', () => clearInterval(timer));
    });
  };

  it.each<[string, (socket: TLSSocket) => void, HttpsFailure, RegExp]>([
    ['says nothing', () => {}, 'answer-timeout', /in time/],
    ['drips its headers', drip('HTTP/1.1 200 OK\r\nX: ', 'x'), 'answer-timeout', /in time/],
    ['drips its body', drip('HTTP/1.1 200 OK\r\n\r\n', 'x'), 'answer-timeout', /in time/],
    ['never ends its headers', endless('HTTP/1.1 200 OK\r\n', 'X: y\r\n'), 'bad-http', /headers .* do not end/],
    ['never ends one header', endless('HTTP/1.1 200 OK\r\nX: ', 'y'), 'bad-http', /headers .* do not end/],
    ['never ends its reason', endless('HTTP/1.1 200 ', 'y'), 'bad-http', /headers .* do not end/],
    ['never ends its trailers', endless(`${chunked}0\r\n`, 'X: y\r\n'), 'bad-http', /do not end/],
    ['never ends a chunk extension', endless(`${chunked}1;`, 'x'), 'bad-http', /extensions/],
    ['never ends its interim answers', endless('', 'HTTP/1.1 100 Continue\r\n\r\n'), 'bad-http', /interim/],
    ['sends a chunk of no size', saying(chunked, 'zz\r\n'), 'bad-http', /chunk/],
    ['sends a chunk of 20 digits', saying(chunked, 'fffffffffffffffffff\r\n'), 'bad-http', /chunk/],
    ['frames its body twice', saying(chunked.replace('\r\nT', '\r\nContent-Length: 1\r\nT')), 'bad-http', /beside/],
    ['speaks another protocol', saying('220 mail.test ESMTP\r\n'), 'bad-http', /no HTTP/],
    ['speaks HTTP/2', saying('\0\0\0\u0004\0\0\0\0\0'), 'bad-http', /no HTTP/],
    ['sends bad bytes', saying('\u00ff\u00fe\0\0'), 'bad-http', /no HTTP/],
    ['hangs up', (socket) => socket.once('data', () => socket.end()), 'reset', /without an answer/],
    ['resets', (socket) => socket.once('data', () => socket.destroy()), 'reset', /without an answer/],
    ['hangs up in its head', saying('HTTP/1.1 200 OK\r\nX: '), 'reset', /without an answer/],
    ['hangs up in its body', saying('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1'), 'reset', /middle of its answer/],
    ['hangs up in a chunk', saying(chunked, '5\r\nab'), 'reset', /middle of its answer/],
  ])('and %s', async (_, serve, failure, words) => {
    const before = Date.now();
    const outcome = await failed(await tlsPeer(serve), {
      deadline: { connect: 1000, handshake: 1000, total: 450 },
    });
    expect(outcome).toMatchObject({ failure, tls: { version: 'TLS 1.3' } });
    expect(outcome.words).toMatch(words);
    expect(Date.now() - before).toBeLessThan(3000);
  });

  it.each<[string, (socket: Socket) => void, HttpsFailure, RegExp]>([
    ['never speaks TLS', () => {}, 'handshake-timeout', /in time/],
    ['hangs up', (socket) => socket.destroy(), 'handshake-failed', /closed the connection/],
    ['hangs up after our hello', (socket) => socket.once('data', () => socket.end()), 'handshake-failed', /closed/],
    [
      'answers in plain HTTP',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      'no-tls',
      /no TLS/,
    ],
    ['greets in plain text', (socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n'), 'no-tls', /no TLS/],
    ['sends back what it gets', (socket) => socket.pipe(socket), 'handshake-failed', /handshake failed/],
    [
      'drips records of nothing',
      (socket) => {
        const timer = setInterval(() => socket.write(Buffer.from('16')), 50);
        socket.once('close', () => clearInterval(timer));
      },
      'no-tls',
      /no TLS/,
    ],
    [
      'drips the header of a record',
      (socket) => {
        const timer = setTimeout(() => socket.write(Buffer.from('160303', 'hex')), 50);
        socket.once('close', () => clearTimeout(timer));
      },
      'handshake-timeout',
      /in time/,
    ],
    [
      'refuses with an alert',
      (socket) => socket.write(Buffer.from('15030300020228', 'hex')),
      'handshake-failed',
      /handshake_failure/,
    ],
    [
      'knows no such name',
      (socket) => socket.write(Buffer.from('15030300020270', 'hex')),
      'handshake-failed',
      /no certificate for this name/,
    ],
  ])('instead of TLS: %s', async (_, serve, failure, words) => {
    const outcome = await failed(await tcpPeer(serve), { deadline: { connect: 1000, handshake: 1500, total: 5000 } });
    expect(outcome).toMatchObject({ failure, tls: undefined });
    expect(outcome.words).toMatch(words);
  });

  it('and speaks only TLS that is too old', async () => {
    const options = { ...served, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    const outcome = await failed(await tlsPeer(saying(OK), options));
    expect(outcome).toMatchObject({ failure: 'handshake-failed', words: expect.stringContaining('neither TLS 1.2') });
  });

  it.each(['TLSv1.2', 'TLSv1.3'])('and wants a certificate of ours, with %s', async (version) => {
    const options = {
      ...served,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
    };
    const outcome = await failed(await tlsPeer(saying(OK), options));
    expect(['handshake-failed', 'reset']).toContain(outcome.failure);
  });

  it('costs no more memory than the limit, however small its chunks are', async () => {
    const peer = await tlsPeer(endless(chunked, '1\r\nx\r\n'));
    const before = process.memoryUsage();
    const outcome = await answered(peer, {
      maxBody: 500_000,
      deadline: { connect: 1e3, handshake: 1e3, total: 15e3 },
    });
    expect(outcome).toMatchObject({ cut: true, body: { length: 500_000 } });
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(10_000_000);
  });
});

describe('a connection', () => {
  it('that nobody takes is refused', async () => {
    const peer = await startTcpPeer(() => {});
    await peer.close();
    expect(await failed(peer)).toMatchObject({ failure: 'refused', tls: undefined });
  });

  it('to where there is no way is unreachable', async () => {
    expect(await failed({ port: 1 }, { address: '255.255.255.255' })).toMatchObject({ failure: 'unreachable' });
  });

  it('that nobody answers is given up', async () => {
    const silent = createHttpsExchange({ system: { ...realSystem, dial: () => new Socket() } });
    const outcome = await silent.request(
      {
        address: '192.0.2.1',
        port: 443,
        certificateName: 'a.test',
        host: 'a.test',
        method: 'GET',
        target: '/',
        maxBody: 1,
        deadline: { connect: 100, handshake: 100, total: 1000 },
      },
      { verify: true, signal: new AbortController().signal },
    );
    expect(outcome).toMatchObject({ ok: false, failure: 'connect-timeout' });
    expect(outcome.took).toBeLessThan(900);
  });

  it('is ended when the caller has enough, at whatever point', async () => {
    const halfHead = (socket: TLSSocket): unknown => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nX'));
    const hanging = [await tcpPeer(() => {}), await tlsPeer(() => {}), await tlsPeer(halfHead)];
    for (const peer of hanging) {
      const signal = AbortSignal.timeout(150);
      await expect(ask(peer, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    }
    const done = AbortSignal.abort(new Error('enough'));
    await expect(ask(hanging[0]!, { signal: done })).rejects.toThrow('enough');
  });
});

describe('a file of trusted certificates', () => {
  it('is read block by block, whatever else is in it', () => {
    const bundle = `# roots\n${root.certPem}\n${leaf.keyPem}\n${intermediate.certPem.replaceAll('\n', '\r\n')}`;
    const parsed = parseTrustBundle(bundle);
    expect(parsed).toMatchObject({ ok: true, value: { length: 2 } });
  });

  it.each([
    ['', /no certificate/],
    [leaf.keyPem, /no certificate/],
    [`${root.certPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`, /certificate 2 of 2 .* damaged/],
  ])('says what is wrong with it', (text, why) => {
    const parsed = parseTrustBundle(text);
    expect(parsed.ok ? '' : parsed.why).toMatch(why);
  });
});

afterAll(() => expect(peers).toEqual([]));
