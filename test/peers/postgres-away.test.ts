import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { createLeapingSystem, type LeapingSystem } from '../harness/leaping-system.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { visitOverTls } from '../harness/tls-visit.ts';
import { pause } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { requirePostgres } from './postgres-stores.ts';
import { NAME, servedBy } from './replicas.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

const missing = requirePostgres();
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`A sidecar whose PostgreSQL goes away${why}`, () => {
  const issuer = createScriptedIssuer();
  let server: PostgresServer;
  let upstream: TestUpstream;
  let dns: TestDnsServer;
  let ca: ScriptedCa;
  let folder: string;
  let system: LeapingSystem;
  let count = 0;
  const running: TestSidecar[] = [];
  beforeAll(async () => {
    server = await startPostgres();
    upstream = await startHttpUpstream((_request, response) => response.end('{}'));
    dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
  });
  beforeEach(async () => {
    count += 1;
    folder = mkdtempSync(join(tmpdir(), 'sidecar-away-'));
    system = createLeapingSystem(1_000);
    ca = await startScriptedCa({ now: () => system.now() }, issuer);
    writeFileSync(join(folder, 'ca.pem'), ca.caPem);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((sidecar) => sidecar.close()));
    await ca.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await dns?.close();
    await upstream?.close();
    await server?.close();
  });

  const yaml = (): string => `
servers: [{ server_name: ${NAME}, homeserver: "${upstream.url}" }]
certificates: acme
acme: { directory: "${ca.directoryUrl}", ca_file: "${join(folder, 'ca.pem')}", challenges: [http-01], resolvers: ["${dns.address}"] }
store: "${server.url()}?schema=away_${count}"
`;

  async function start(): Promise<TestSidecar> {
    const sidecar = await startTestSidecar(yaml(), { folder, system });
    running.push(sidecar);
    ca.rules.httpPort = sidecar.http;
    return sidecar;
  }

  /** Lets time pass, a second in a few milliseconds, until something holds. */
  async function pass(what: string, holds: () => boolean | Promise<boolean>, patience = 10 * MINUTE): Promise<number> {
    for (let passed = 0; passed < patience; passed += 1_000) {
      if (await holds()) return passed;
      system.leap(1_000);
      await pause(10);
    }
    const said = running.flatMap(({ logged }) => logged.filter(({ level }) => level !== 'debug').slice(-5));
    throw new Error(
      `not within ${patience} ms of its time: ${what}\n${said.map((line) => JSON.stringify(line)).join('\n')}`,
    );
  }

  async function certified(sidecar: TestSidecar): Promise<string> {
    await pass('a certificate', async () => (await servedBy(sidecar)) !== undefined);
    return (await servedBy(sidecar))!;
  }

  const loud = (sidecar: TestSidecar): string[] =>
    sidecar.logged.filter(({ level }) => level === 'warn' || level === 'error').map(({ sentence }) => sentence);

  test('for an hour, with a renewal due: serves on, says so once, and renews when it is back', async () => {
    const sidecar = await start();
    const first = await certified(sidecar);
    const before = loud(sidecar).length;
    let { session } = await visitOverTls(sidecar.https, undefined, 'TLSv1.3', undefined, NAME);
    await server.stop('fast');
    try {
      system.setClock(61 * DAY);
      for (let minute = 0; minute < 60; minute += 1) {
        for (const _ of [1, 2]) {
          system.leap(MINUTE / 2);
          await pause(15);
        }
        expect(await servedBy(sidecar)).toBe(first);
        const visit = await visitOverTls(sidecar.https, undefined, 'TLSv1.3', session, NAME);
        expect(visit.answered).toBe(true);
        session = visit.session;
      }
    } finally {
      await server.start();
    }
    // By the server's clock, which the test does not move, the lease lasts for some seconds yet.
    await server.sql(`UPDATE away_${count}.matrix_sidecar_leases SET expires_at = expires_at - interval '1 hour'`);
    expect(ca.count('new-order')).toBe(1);
    const said = loud(sidecar).slice(before);
    expect(
      said.filter((sentence) => sentence.includes('cannot be looked after')),
      said.join('\n'),
    ).toHaveLength(1);
    expect(new Set(said).size).toBe(said.length);
    expect(said.length).toBeLessThanOrEqual(4);
    await pass('the renewed certificate', async () => (await servedBy(sidecar)) !== first);
    expect(ca.count('new-order')).toBe(2);
    expect(sidecar.logged.some(({ sentence }) => sentence.startsWith('PostgreSQL is back'))).toBe(true);
  });

  test('and is reloaded meanwhile: the reload is refused, and the certificate stays in force', async () => {
    const sidecar = await start();
    const first = await certified(sidecar);
    await server.stop('fast');
    try {
      await expect(sidecar.reload(yaml())).rejects.toMatchObject({ code: 'store-unreachable' });
      expect(await servedBy(sidecar)).toBe(first);
    } finally {
      await server.start();
    }
    await sidecar.reload(yaml());
    expect(await servedBy(sidecar)).toBe(first);
    expect(ca.count('new-order')).toBe(1);
  });

  test('before it starts: waits for it, then answers without certificates, and takes them up when it is back', async () => {
    const first = await start();
    const certificate = await certified(first);
    await first.close();
    running.length = 0;
    await server.stop('fast');
    let late: TestSidecar | undefined;
    try {
      const starting = start().then((sidecar) => {
        late = sidecar;
      });
      await pass('it has started', () => late !== undefined);
      await starting;
      expect(await servedBy(late!)).toBeUndefined();
      const said = loud(late!);
      expect(said[0]).toContain('Nothing is served yet: the store is waited for.');
      expect(said[1]).toContain('The certificates in the store cannot be served before it is back');
      const ready = await fetch(`http://127.0.0.1:${late!.admin}/readyz`);
      expect(ready.status).toBe(503);
    } finally {
      await server.start();
    }
    await pass('the certificate is taken up', async () => (await servedBy(late!)) === certificate, 2 * MINUTE);
    expect(ca.count('new-order')).toBe(1);
  });

  test('before it starts, and comes up within seconds: nothing else than the certificate is ever served', async () => {
    const first = await start();
    const certificate = await certified(first);
    await first.close();
    running.length = 0;
    await server.stop('fast');
    const asked = system.monotonic();
    let late: TestSidecar | undefined;
    const starting = start().then((sidecar) => {
      late = sidecar;
    });
    await pause(200);
    expect(late).toBeUndefined();
    await server.start();
    // In step with the server, which has all the time that the sidecar has for it.
    for (; late === undefined && system.monotonic() - asked < 60_000; system.leap(50)) await pause(250);
    await starting;
    expect(await servedBy(late!)).toBe(certificate);
    expect(loud(late!)).toEqual([expect.stringContaining('Nothing is served yet: the store is waited for.')]);
  });
});
