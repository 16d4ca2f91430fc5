import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import forge from 'node-forge';
import { describe, expect, it } from 'vitest';
import type { Identifier } from '../../../src/acme/solver.ts';
import { makeChallengeCertificate } from '../../../src/acme/solvers/challenge-certificate.ts';
import { addressBytes, challengeServerName } from '../../../src/acme/solvers/challenge-server-name.ts';
import { createTlsAlpn01Contexts, createTlsAlpn01Solver } from '../../../src/acme/solvers/tls-alpn-01.ts';
import { realSystem } from '../../../src/base/system.ts';
import { createChallengeServer } from '../../../src/listen/challenge-server.ts';
import { until } from '../../harness/until.ts';
import { shake } from '../../tls/handshake.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { createRecordingLog } from '../../tls/recording-log.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { createMemoryStore } from './memory-store.ts';

const task = makeTask('tls-alpn-01', 'a.test');

function start() {
  const store = createMemoryStore();
  const system = createManualSystem();
  const log = createRecordingLog();
  const solver = createTlsAlpn01Solver({ store, settle: 500 }, { system });
  return { store, system, log, solver, contexts: createTlsAlpn01Contexts({ store }, { system, log }) };
}

/** The extensions of a certificate: object id, critical or not, DER of the value. */
function extensionsOf(certificate: X509Certificate): Map<string, { critical: boolean; value: string }> {
  const { asn1 } = forge;
  const tbs = asn1.fromDer(certificate.raw.toString('latin1')).value[0] as forge.asn1.Asn1;
  const list = ((tbs.value.at(-1) as forge.asn1.Asn1).value[0] as forge.asn1.Asn1).value as forge.asn1.Asn1[];
  return new Map(
    list.map((extension) => {
      const parts = extension.value as forge.asn1.Asn1[];
      const id = asn1.derToOid(forge.util.createBuffer(parts[0]!.value as string));
      return [
        id,
        { critical: parts.length === 3, value: Buffer.from(parts.at(-1)!.value as string, 'latin1').toString('hex') },
      ];
    }),
  );
}

describe('the certificate for a challenge', () => {
  const IDENTIFIERS: readonly (readonly [Identifier, string, string])[] = [
    [{ type: 'dns', value: 'Matrix.Example.Test' }, 'DNS:matrix.example.test', 'matrix.example.test'],
    [{ type: 'ip', value: '192.0.2.7' }, 'IP Address:192.0.2.7', '7.2.0.192.in-addr.arpa'],
    [
      { type: 'ip', value: '2001:db8::a:1' },
      'IP Address:2001:DB8:0:0:0:0:A:1',
      '1.0.0.0.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    ],
  ];

  it.each(IDENTIFIERS)('is as RFC 8737 and RFC 8738 ask for: %j', async (identifier, names, serverName) => {
    const { certPem, keyPem } = await makeChallengeCertificate(identifier, task.keyAuthorization, realSystem);
    const certificate = new X509Certificate(certPem);
    expect(certificate.subjectAltName).toBe(names);
    expect(challengeServerName(identifier)).toBe(serverName);
    const digest = createHash('sha256').update(task.keyAuthorization).digest('hex');
    expect(extensionsOf(certificate).get('1.3.6.1.5.5.7.1.31')).toEqual({ critical: true, value: `0420${digest}` });
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey((await import('node:crypto')).createPrivateKey(keyPem))).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(certificate.validFromDate.getTime()).toBeLessThan(Date.now());
    expect(certificate.validToDate.getTime()).toBeGreaterThan(Date.now());
    expect(certificate.ca).toBe(false);
  });

  it('has a key and a serial number of its own, and dates in any century', async () => {
    const system = createManualSystem(Date.parse('2051-02-03T04:05:06Z'));
    const [one, two] = await Promise.all(
      [1, 2].map(
        async () => new X509Certificate((await makeChallengeCertificate(task.identifier, 'x', system)).certPem),
      ),
    );
    expect(one!.serialNumber).not.toBe(two!.serialNumber);
    expect(one!.publicKey.equals(two!.publicKey)).toBe(false);
    expect(one!.validFromDate.toISOString()).toBe('2051-02-02T04:05:06.000Z');
  });

  it.each([
    ['1.2.3.4', '01020304'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['1::', `0001${'0'.repeat(28)}`],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ])('knows the bytes of %s', (address, hex) => {
    expect(addressBytes(address).toString('hex')).toBe(hex);
  });
});

describe('a tls-alpn-01 challenge', () => {
  it('is pending from its beginning to its end, also for another process', async () => {
    const all = start();
    const other = createTlsAlpn01Contexts({ store: all.store }, all);
    expect(all.contexts.pending()).toBe(false);
    await all.solver.present(task, NEVER);
    await until('both have heard', () => all.contexts.pending() && other.pending());
    expect(other.contextFor('A.TEST')).toBeDefined();
    expect(other.contextFor('b.test')).toBeUndefined();
    await all.solver.cleanUp(task);
    await all.solver.cleanUp(task);
    await until('both have heard', () => !all.contexts.pending() && !other.pending());
    expect(other.contextFor('a.test')).toBeUndefined();
  });

  it('is known to a process that was started in the middle of it', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    const late = createTlsAlpn01Contexts({ store: all.store }, all);
    await until('it has looked', () => late.contextFor('a.test') !== undefined);
    expect(late.pending()).toBe(true);
  });

  it('gives other processes time to hear of it, and no longer than the order lasts', async () => {
    const { solver, system } = start();
    let done = false;
    const waiting = solver.wait!(task, NEVER).then(() => {
      done = true;
    });
    await system.advance(499);
    expect(done).toBe(false);
    await system.advance(1);
    await waiting;
    const abort = new AbortController();
    const aborted = failureOf(solver.wait!(task, abort.signal));
    abort.abort(new Error('stopping'));
    expect(await aborted).toMatchObject({ message: 'stopping' });
  });

  it('shows the CA the certificate for an address under its name for reverse look-ups', async () => {
    const all = start();
    const address = makeTask('tls-alpn-01', '', { identifier: { type: 'ip', value: '127.0.0.1' } });
    await all.solver.present(address, NEVER);
    await until('it is known', () => all.contexts.pending());
    const server = createServer((raw) => {
      const hello = { serverName: '1.0.0.127.in-addr.arpa', alpn: ['acme-tls/1'] };
      challenges.take(raw, hello);
    });
    const challenges = createChallengeServer({
      challenge: all.contexts,
      onServed: () => undefined,
      onFailed: (error) => expect(error).toBeUndefined(),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = await shake((server.address() as AddressInfo).port, {
      servername: '1.0.0.127.in-addr.arpa',
      ALPNProtocols: ['acme-tls/1'],
      rejectUnauthorized: false,
    });
    expect(socket.getPeerCertificate().subjectaltname).toBe('IP Address:127.0.0.1');
    socket.resume();
    await once(socket, 'close');
    server.close();
  });

  it('takes names of any length', async () => {
    const all = start();
    const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    await all.solver.present(makeTask('tls-alpn-01', long), NEVER);
    await until('it is known', () => all.contexts.contextFor(long) !== undefined);
    expect([...all.store.values.keys()][0]).toMatch(/^acme\/challenges\/tls-alpn-01\/[0-9a-f]{64}\.json$/);
    await all.solver.cleanUp(makeTask('tls-alpn-01', long));
    expect(all.store.values.size).toBe(0);
  });

  it('is over after an hour when its process died', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    await until('it is known', () => all.contexts.pending());
    await all.system.advance(3_600_001);
    expect(all.contexts.pending()).toBe(false);
    expect(all.contexts.contextFor('a.test')).toBeUndefined();
  });

  it('is not pending when what is stored is damaged, and says so', async () => {
    const all = start();
    const stored = { until: all.system.now() + 1_000, serverName: 'a.test', certPem: 'none', keyPem: 'none' };
    await all.store.write('acme/challenges/tls-alpn-01/a.test.json', Buffer.from(JSON.stringify(stored)));
    await all.solver.present(makeTask('tls-alpn-01', 'b.test'), NEVER);
    await until('the other is known', () => all.contexts.contextFor('b.test') !== undefined);
    expect(all.contexts.contextFor('a.test')).toBeUndefined();
    expect(all.log.at('warn')[0]).toMatch(/tls-alpn-01\/a\.test\.json is damaged/);
  });

  it('is refused for a wildcard', async () => {
    const { solver } = start();
    const wildcard = makeTask('tls-alpn-01', 'a.test', { wildcard: true });
    expect(await failureOf(solver.present(wildcard, NEVER))).toMatchObject({ code: 'challenge-impossible' });
  });

  it('answers with the newest certificate when a name is tried again', async () => {
    const all = start();
    await all.solver.present(task, NEVER);
    await until('it is known', () => all.contexts.pending());
    const first = all.contexts.contextFor('a.test');
    await all.solver.present(makeTask('tls-alpn-01', 'a.test', { token: 'second' }), NEVER);
    await until('the second is known', () => all.contexts.contextFor('a.test') !== first);
    expect(all.contexts.contextFor('a.test')).toBeDefined();
  });
});
