import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ca, createCa } from '../../src/acme/ca.ts';
import { IssuanceFailed } from '../../src/acme/issuance-failed.ts';
import { issueCertificate } from '../../src/acme/issue-certificate.ts';
import type { Solver } from '../../src/acme/solver.ts';
import { createDns01Solver } from '../../src/acme/solvers/dns-01.ts';
import { createDnsPersist01Solver } from '../../src/acme/solvers/dns-persist-01.ts';
import { createHttp01Answers, createHttp01Solver, type Http01Answers } from '../../src/acme/solvers/http-01.ts';
import { createRfc2136Provider } from '../../src/acme/solvers/rfc2136.ts';
import {
  createTlsAlpn01Contexts,
  createTlsAlpn01Solver,
  type TlsAlpn01Contexts,
} from '../../src/acme/solvers/tls-alpn-01.ts';
import { createDnsClient, type DnsClient } from '../../src/base/dns.ts';
import { createDnsExchange } from '../../src/base/dns-exchange.ts';
import { realSystem } from '../../src/base/system.ts';
import { createMemoryStore as createAccountStore } from '../acme/open-ca.ts';
import { failureOf, makeTask, NEVER } from '../acme/solvers/challenge-task.ts';
import { createMemoryStore } from '../acme/solvers/memory-store.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { type ListenerUnderTest, startListener } from '../listen/challenge-listener.ts';
import { shake } from '../tls/handshake.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { type NameServer, startNameServer, type UpdateKey, whyNoNameServer } from './name-server.ts';
import { type Pebble, startPebble, whyNoPebble } from './pebble.ts';

const missing = whyNoNameServer() ?? (await whyNoPebble());

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real Pebble and a real BIND are here, because REQUIRE_PEERS=1 asks for them', () => {
    expect(missing).toBeUndefined();
  });
}

if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A real Pebble that asks a real BIND is convinced${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-challenges-'));
  const log = createRecordingLog();
  const store = createMemoryStore();
  const deps = { system: realSystem, log };
  const key: UpdateKey = { name: 'key', algorithm: 'hmac-sha256', secret: randomBytes(32) };
  let dns: DnsClient;
  let nameServer: NameServer;
  let pebble: Pebble;
  let ca: Ca;
  // As in another process than the solvers': all that they share is the store.
  let contexts: TlsAlpn01Contexts;
  let answers: Http01Answers;
  let listener: ListenerUnderTest;
  let web: Server;
  let dnsPort = 0;

  beforeAll(async () => {
    const [port, httpPort] = (await findFreePorts(2)) as [number, number];
    dnsPort = port;
    nameServer = await startNameServer({
      folder: join(folder, 'bind'),
      port,
      keys: [key],
      resolves: true,
      zones: {
        'zone.test': '@ IN A 127.0.0.1\nmatrix IN A 127.0.0.1\n_acme-challenge.aliased IN CNAME dynamic.other.test.',
        'other.test': '',
      },
    });
    dns = createDnsClient({ servers: [nameServer.address] });
    contexts = createTlsAlpn01Contexts({ store }, deps);
    answers = createHttp01Answers({ store }, deps);
    // An RSA certificate for visitors, while challenges have EC keys.
    listener = await startListener({ key: 'rsa', challenge: contexts });
    web = createServer((request, response) => {
      const token = request.url!.slice('/.well-known/acme-challenge/'.length);
      void answers.answer(token).then((answer) => response.writeHead(answer === undefined ? 404 : 200).end(answer));
    });
    web.listen(httpPort, '127.0.0.1');
    await once(web, 'listening');
    pebble = await startPebble({
      folder: join(folder, 'pebble'),
      httpPort,
      tlsPort: listener.port,
      hosts: {},
      nonceReject: 10,
      dnsServer: nameServer.address,
    });
    const { directoryUrl, caPem: caFile } = pebble;
    ca = createCa(
      { directoryUrl, caFile, termsAgreed: true },
      { system: realSystem, store: createAccountStore(), log },
    );
  });
  afterAll(async () => {
    await ca?.close();
    await pebble?.close();
    await listener?.close();
    web?.close();
    contexts?.close();
    answers?.close();
    await nameServer?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const provider = () =>
    createRfc2136Provider(
      { host: '127.0.0.1', port: dnsPort, key },
      { system: realSystem, dns, exchange: createDnsExchange(deps) },
    );
  const solvers = (): Readonly<Record<string, Solver>> => ({
    'http-01': createHttp01Solver({ store }, deps),
    'tls-alpn-01': createTlsAlpn01Solver({ store, settle: 200 }, deps),
    'dns-01': createDns01Solver({ provider: provider(), nameServerPort: dnsPort }, { ...deps, dns }),
    'dns-persist-01': createDnsPersist01Solver({ nameServerPort: dnsPort }, { ...deps, dns }),
  });
  async function issue(type: string, names: readonly string[], profile?: string): Promise<X509Certificate> {
    const solver = solvers()[type]!;
    const issued = await issueCertificate(
      { names, profile, keyType: 'ecdsa-p256', challengeOrder: [solver.type] },
      { ca, solvers: new Map([[solver.type, solver]]), ...deps },
      NEVER,
    );
    expect(issued.challengeTypes).toEqual([type]);
    expect(store.values.size).toBe(0);
    return new X509Certificate(issued.chainPem);
  }

  test.each([
    ['http-01', ['zone.test', 'matrix.zone.test'], undefined],
    ['http-01', ['127.0.0.1'], 'shortlived'],
    ['tls-alpn-01', ['zone.test', 'matrix.zone.test'], undefined],
    ['tls-alpn-01', ['127.0.0.1'], 'shortlived'],
    ['dns-01', ['zone.test', '*.zone.test'], undefined],
    ['dns-01', ['aliased.zone.test', '*.aliased.zone.test'], undefined],
  ])('by %s for %j', async (type, names, profile) => {
    const { subjectAltName } = await issue(type, names, profile);
    const expected = names.map((name) => (name.startsWith('127') ? `IP Address:${name}` : `DNS:${name}`));
    expect(subjectAltName?.split(', ').sort()).toEqual(expected.sort());
  });

  test('by tls-alpn-01, while visitors are served on the same port all along', async () => {
    let done = false;
    const issuing = issue('tls-alpn-01', ['matrix.zone.test']).finally(() => {
      done = true;
    });
    let visits = 0;
    let whilePending = 0;
    while (!done) {
      const socket = await shake(listener.port, { servername: 'site.test', rejectUnauthorized: false });
      if (contexts.pending()) whilePending++;
      socket.write('GET / HTTP/1.1\r\nHost: site.test\r\n\r\n');
      let body = '';
      for await (const chunk of socket) body += String(chunk);
      expect(body).toContain('served by h1');
      visits++;
    }
    expect((await issuing).subjectAltName).toBe('DNS:matrix.zone.test');
    expect(whilePending).toBeGreaterThan(0);
    expect(visits).toBeGreaterThan(whilePending);
    expect(listener.refused).toEqual([]);
  });

  test('by dns-persist-01, once the record is published that the message asks for', async (context) => {
    const names = ['zone.test', '*.zone.test'];
    const failure = await failureOf(issue('dns-persist-01', names));
    expect(failure).toBeInstanceOf(IssuanceFailed);
    const errors = (failure as IssuanceFailed).failures.map(({ error }) => error);
    if (errors.every(({ code }) => code === 'acme-no-challenge')) context.skip('this Pebble does not offer it');
    expect(errors.map(({ code }) => code)).toEqual(['dns-persist-missing', 'dns-persist-missing']);
    const hint = errors.map((error) => error.hint ?? '').find((text) => text.includes('policy=wildcard'));
    const [, name, value] = /(_validation-persist\.zone\.test)\. IN TXT "([^"]+)"$/.exec(hint ?? '')!;
    const record = { name: name!, value: value!, task: makeTask('dns-01', 'zone.test') };
    await provider().set(record, NEVER);
    const { subjectAltName } = await issue('dns-persist-01', names);
    expect(subjectAltName?.split(', ').sort()).toEqual(['DNS:*.zone.test', 'DNS:zone.test']);
    expect(await dns.resolveTxt(name!)).toEqual([value]);
  });
});
