import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ariCertificateId } from '../../src/acme/ari-certificate-id.ts';
import { type Ca, type CaSlice, createCa } from '../../src/acme/ca.ts';
import { type IssueRequest, issueCertificate } from '../../src/acme/issue-certificate.ts';
import type { Solver } from '../../src/acme/solver.ts';
import { realSystem } from '../../src/base/system.ts';
import { isIssuedBy } from '../../src/tls/chain.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import {
  createMemoryStore,
  createNotingSolver,
  failureOf,
  type HttpSolver,
  type MemoryStore,
  NEVER,
  startHttpSolver,
} from '../acme/open-ca.ts';
import { findFreePorts } from '../harness/free-ports.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { type Pebble, startPebble, whyNoPebble } from './pebble.ts';

const DAY = 86_400_000;
const missing = await whyNoPebble();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real Pebble is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A real Pebble that refuses every other nonce${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-pebble-'));
  const log = createRecordingLog();
  const opened: Ca[] = [];
  let pebble: Pebble;
  let solver: HttpSolver;
  let store: MemoryStore;
  let ca: Ca;

  const open = (slice: Partial<CaSlice> = {}, from: Pebble = pebble): Ca => {
    const { directoryUrl, caPem: caFile } = from;
    const made = createCa({ directoryUrl, caFile, termsAgreed: true, ...slice }, { system: realSystem, store, log });
    opened.push(made);
    return made;
  };
  const issue = (more: Partial<IssueRequest> = {}, solvers: readonly Solver[] = [solver], at: Ca = ca) =>
    issueCertificate(
      { names: ['a.pebble.test'], profile: 'default', keyType: 'ecdsa-p256', challengeOrder: ['http-01'], ...more },
      { ca: at, solvers: new Map(solvers.map((one) => [one.type, one])), system: realSystem, log },
      NEVER,
    );

  beforeAll(async () => {
    const [tlsPort] = await findFreePorts(1);
    solver = await startHttpSolver();
    pebble = await startPebble({
      folder: join(folder, 'pebble'),
      httpPort: solver.port,
      tlsPort: tlsPort!,
      hosts: { 'a.pebble.test': '127.0.0.1', 'b.pebble.test': '127.0.0.1' },
      nonceReject: 50,
    });
    store = createMemoryStore();
    ca = open({ contact: 'admin@pebble.test' });
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await pebble?.close();
    await solver?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('gives a certificate for two names by http-01, with a chain up to its root', async () => {
    const issued = await issue({ names: ['a.pebble.test', 'b.pebble.test'] });
    const certificate = parsePemCertificate(issued.chainPem, issued.keyPem, 'Pebble');
    expect([...certificate.dnsNames].sort()).toEqual(['a.pebble.test', 'b.pebble.test']);
    expect(isIssuedBy(certificate.chain.at(-1)!, new X509Certificate(pebble.rootPem))).toBe(true);
    expect(issued).toMatchObject({ challengeTypes: ['http-01'], orders: 1 });
    expect(solver.pending).toBe(0);
    expect(await pebble.log(400)).toContain('Configured to reject 50% of good nonces');
  });

  test('gives a certificate of six days for an address', async () => {
    const issued = await issue({ names: ['127.0.0.1'], profile: 'shortlived' });
    const certificate = parsePemCertificate(issued.chainPem, issued.keyPem, 'Pebble');
    expect(certificate.ipAddresses).toEqual(['127.0.0.1']);
    expect((certificate.notAfter - certificate.notBefore) / DAY).toBeCloseTo(6, 1);
  });

  test.each(['ecdsa-p384', 'rsa-2048'] as const)('gives one for a key of type %s', async (keyType) => {
    const { chainPem } = await issue({ keyType });
    expect(new X509Certificate(chainPem).publicKey.asymmetricKeyType).toBe(keyType === 'rsa-2048' ? 'rsa' : 'ec');
  });

  test('says what it offers', async () => {
    const directory = await ca.directory(NEVER);
    expect(Object.keys(directory.profiles).sort()).toEqual(['default', 'shortlived']);
    expect(directory.renewalInfo).toMatch(/^https:\/\/localhost:\d+\/.*[^/]$/);
    expect(directory.externalAccountRequired).toBe(false);
    expect(await failureOf(issue({ profile: 'gold' }))).toMatchObject({ problem: { type: 'invalidProfile' } });
    expect(await failureOf(issue({ names: ['blocked.test'] }))).toMatchObject({
      problem: { type: 'rejectedIdentifier' },
    });
  });

  test('says when to renew, and takes an order that replaces, once', async () => {
    const { chainPem } = await issue();
    const id = ariCertificateId(chainPem)!;
    const { validFromDate, validToDate } = new X509Certificate(chainPem);
    const window = (await ca.renewalInfo(id, NEVER))!;
    expect(window.start).toBeGreaterThan(validFromDate.getTime());
    expect(window.end).toBeGreaterThan(window.start);
    expect(window.end).toBeLessThan(validToDate.getTime());
    expect(window.retryAfter).toBeGreaterThan(0);
    await issue({ replaces: id });
    expect(log.at('warn')).toEqual([]);
    // The second time it is refused, and ordered without.
    expect((await issue({ replaces: id })).orders).toBe(1);
    expect(log.at('warn')).toEqual([expect.stringContaining('Ordering again without saying what is replaced.')]);
    log.lines.length = 0;
  });

  test('tells what it saw where the answer is wrong, and another type is tried in a new order', async () => {
    const wrong: Solver = { ...createNotingSolver('http-01'), type: 'http-01' };
    const error = await failureOf(issue({}, [wrong]));
    expect(error).toMatchObject({
      code: 'acme-validation-failed',
      failures: [{ name: 'a.pebble.test', challenge: 'http-01', error: { problem: { type: 'unauthorized' } } }],
    });
    expect((error as Error).message).toContain('a.pebble.test could not be validated with http-01: ');
    const nothing = createNotingSolver('tls-alpn-01');
    const issued = await issue({ challengeOrder: ['tls-alpn-01', 'http-01'] }, [nothing, solver]);
    expect(issued).toMatchObject({ orders: 2, challengeTypes: ['http-01'] });
    expect(issued.failures).toMatchObject([{ challenge: 'tls-alpn-01' }]);
    expect(nothing.cleaned).toEqual(nothing.presented);
  });

  test('finds the account again by its key, and takes another contact', async () => {
    const { url } = await ca.account(NEVER);
    const [key] = [...store.values.keys()];
    const record = JSON.parse(store.values.get(key!)!.toString()) as object;
    store.values.set(key!, Buffer.from(JSON.stringify({ ...record, url: undefined })));
    expect((await open({ contact: 'other@pebble.test' }).account(NEVER)).url).toBe(url);
    expect(JSON.parse(store.values.get(key!)!.toString())).toMatchObject({
      url,
      contact: ['mailto:other@pebble.test'],
    });
  });

  test('revokes a certificate, and says no more when that is repeated', async () => {
    const { raw } = new X509Certificate((await issue()).chainPem);
    await ca.revoke(raw, 4, NEVER);
    await ca.revoke(raw, 4, NEVER);
    const window = await ca.renewalInfo(ariCertificateId(raw)!, NEVER);
    expect(window!.end).toBeLessThan(Date.now());
  });

  test('gives an account to whom it knows by an external binding alone', async () => {
    const hmacKey = Buffer.alloc(32, 7).toString('base64url');
    const strict = await startPebble({
      folder: join(folder, 'binding'),
      httpPort: solver.port,
      tlsPort: 1,
      hosts: { 'a.pebble.test': '127.0.0.1' },
      nonceReject: 0,
      macKeys: { 'kid-1': hmacKey },
    });
    try {
      expect(await failureOf(open({}, strict).account(NEVER))).toMatchObject({ code: 'acme-binding-required' });
      const wrong = await failureOf(open({ eab: { kid: 'kid-2', hmacKey } }, strict).account(NEVER));
      expect(wrong).toMatchObject({ problem: { status: expect.any(Number) } });
      const known = open({ eab: { kid: 'kid-1', hmacKey } }, strict);
      expect((await issue({}, [solver], known)).orders).toBe(1);
    } finally {
      await strict.close();
    }
  });
});
