import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Certificate } from '../../src/tls/certificate.ts';
import {
  type CertificateKeeper,
  createCertificateKeeper,
  type PlannedCertificate,
} from '../../src/tls/certificate-keeper.ts';
import { createDevelopmentCa, type DevelopmentCa } from '../../src/tls/development-ca.ts';
import { hurriedSystem } from './hurried-system.ts';
import { DAY, type Made, makeCertificate } from './make-certificate.ts';
import { createManualSystem } from './manual-system.ts';
import { createRecordingLog, type RecordingLog } from './recording-log.ts';

let folder: string;
let log: RecordingLog;
let keepers: CertificateKeeper[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-keeper-'));
  log = createRecordingLog();
  keepers = [];
});
afterEach(async () => {
  for (const keeper of keepers) keeper.close();
  await rm(folder, { recursive: true });
});

async function keep(
  plan: readonly PlannedCertificate[],
  system = hurriedSystem,
  developmentCa?: DevelopmentCa,
): Promise<CertificateKeeper> {
  const store = createFileStore(join(folder, 'certs'));
  const ca = developmentCa ?? createDevelopmentCa({ store }, { system });
  const keeper = await createCertificateKeeper(plan, { system, log, developmentCa: ca });
  keepers.push(keeper);
  return keeper;
}

const local = (names: string[], listener: 'all' | 'federation' = 'all'): PlannedCertificate => ({
  names,
  listener,
  source: { kind: 'local' },
});

async function files(name: string, made: Made, listener: 'all' | 'federation' = 'all'): Promise<PlannedCertificate> {
  const [cert, key] = [join(folder, `${listener}-${name}.pem`), join(folder, `${listener}-${name}.key`)];
  await writeFile(cert, made.certPem);
  await writeFile(key, made.keyPem, { mode: 0o600 });
  return { names: [name], listener, source: { kind: 'files', files: { kind: 'pem', cert, key } } };
}

describe('the certificate keeper', () => {
  it('serves a planned certificate of each kind, the first one by default', async () => {
    const made = makeCertificate({ names: ['b.test'] });
    const keeper = await keep([local(['a.test', '192.0.2.1']), await files('b.test', made)]);
    for (const listener of ['https', 'federation'] as const) {
      const set = keeper.setFor(listener);
      expect(set.choose('a.test')).toMatchObject({ why: 'exact', certificate: { origin: 'development CA' } });
      expect(set.choose('192.0.2.1').why).toBe('exact');
      expect(set.choose('b.test').certificate.dnsNames).toEqual(['b.test']);
      expect(set.choose(undefined)).toMatchObject({ why: 'default', certificate: { origin: 'development CA' } });
    }
    expect(keeper.findings()).toEqual([]);
  });

  it('serves another certificate for the same name on the federation listener', async () => {
    const keeper = await keep([
      await files('a.test', makeCertificate({ names: ['a.test', 'c.test'] })),
      await files('a.test', makeCertificate({ names: ['a.test'], notAfter: Date.now() + 20 * DAY }), 'federation'),
      local(['b.test']),
    ]);
    const [https, federation] = [keeper.setFor('https'), keeper.setFor('federation')];
    const originOf = ({ certificate }: { certificate: Certificate }) => certificate.origin.replace(`${folder}/`, '');
    expect(originOf(https.choose('a.test'))).toBe('all-a.test.pem');
    expect(originOf(federation.choose('a.test'))).toBe('federation-a.test.pem');
    expect(originOf(https.choose(undefined))).toBe('all-a.test.pem');
    expect(originOf(federation.choose(undefined))).toBe('federation-a.test.pem');
    for (const set of [https, federation]) {
      expect(originOf(set.choose('b.test'))).toBe('development CA');
      expect(originOf(set.choose('c.test'))).toBe('all-a.test.pem');
    }
  });

  it('has a certificate for clients even when all are for federation', async () => {
    const keeper = await keep([local(['a.test'], 'federation')]);
    expect(keeper.setFor('https').choose('a.test').why).toBe('exact');
  });

  it('tells everything that is wrong at start at once, and leaves nothing running', async () => {
    const system = createManualSystem();
    const missing: PlannedCertificate = {
      names: ['c.test'],
      listener: 'all',
      source: { kind: 'files', files: { kind: 'pem', cert: join(folder, 'no.pem'), key: join(folder, 'no.key') } },
    };
    const wrong = await files('b.test', makeCertificate({ names: ['other.test'] }));
    const error = await keep([local(['a.test']), wrong, missing], system).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(SidecarError);
    expect((error as SidecarError).message).toMatch(/does not cover b\.test.*no\.pem does not exist/s);
    expect((error as SidecarError).hint).toContain('subjectAltName');
    expect(system.pending()).toBe(0);
  });

  it('builds new sets when a file changes, and says so', async () => {
    const planned = await files('b.test', makeCertificate({ names: ['b.test'] }));
    const keeper = await keep([local(['a.test']), planned]);
    const before = keeper.setFor('https');
    const onChange = vi.fn();
    const stop = keeper.onChange(onChange);
    await files('b.test', makeCertificate({ names: ['b.test', 'more.test'] }));
    await vi.waitFor(() => expect(keeper.setFor('https').choose('more.test').why).toBe('exact'), { timeout: 10_000 });
    expect(before.choose('more.test').why).toBe('default');
    expect(onChange).toHaveBeenCalledOnce();
    stop();
    await files('b.test', makeCertificate({ names: ['b.test', 'last.test'] }));
    await keeper.reload();
    expect(keeper.setFor('federation').choose('last.test').why).toBe('exact');
    expect(onChange).toHaveBeenCalledOnce();
  });

  it('says for which names a finding is', async () => {
    const planned = await files('b.test', makeCertificate({ names: ['b.test'] }));
    const keeper = await keep([planned]);
    await writeFile(join(folder, 'all-b.test.pem'), 'garbage');
    await keeper.reload();
    expect(keeper.findings()).toMatchObject([
      { names: ['b.test'], code: 'certificate-unreadable', severity: 'warning' },
    ]);
  });

  it('renews a local certificate when a third of its life is left', async () => {
    const system = createManualSystem();
    const keeper = await keep([local(['a.test'])], system);
    const first = keeper.setFor('https').choose('a.test').certificate;
    const onChange = vi.fn();
    keeper.onChange(onChange);
    await system.advance(59 * DAY);
    expect(onChange).not.toHaveBeenCalled();
    await system.advance(1 * DAY);
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce());
    const second = keeper.setFor('https').choose('a.test').certificate;
    expect(second.fingerprint256).not.toBe(first.fingerprint256);
    expect(second.notAfter).toBeGreaterThan(first.notAfter + 59 * DAY);
  });

  it('keeps a local certificate that cannot be renewed, says so, and tries again in an hour', async () => {
    const system = createManualSystem();
    const real = createDevelopmentCa({ store: createFileStore(join(folder, 'certs')) }, { system });
    let broken = false;
    const developmentCa: DevelopmentCa = {
      caPem: real.caPem,
      issue: (names) => (broken ? Promise.reject(new Error('the disk is full')) : real.issue(names)),
    };
    const keeper = await keep([local(['a.test'])], system, developmentCa);
    const first = keeper.setFor('https').choose('a.test').certificate;
    broken = true;
    await keeper.reload();
    expect(keeper.findings()).toMatchObject([{ code: 'certificate-renewal-failed', names: ['a.test'] }]);
    expect(log.at('warn')).toEqual([expect.stringContaining('the disk is full')]);
    expect(keeper.setFor('https').choose('a.test').certificate).toBe(first);
    broken = false;
    await system.advance(3_600_000);
    await vi.waitFor(() => expect(keeper.findings()).toEqual([]));
  });

  it('sets no timer after it was closed, and writes nothing', async () => {
    const system = createManualSystem();
    const keeper = await keep(
      [local(['a.test']), await files('b.test', makeCertificate({ names: ['b.test'] }))],
      system,
    );
    const stored = await readdir(join(folder, 'certs', 'development-ca'));
    keeper.close();
    keeper.close();
    await keeper.reload();
    expect(system.pending()).toBe(0);
    expect(await readdir(join(folder, 'certs', 'development-ca'))).toEqual(stored);
  });
});
