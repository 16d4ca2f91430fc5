import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { createCertificateFiles } from '../../src/tls/certificate-files.ts';
import { createCertificateSet } from '../../src/tls/certificate-set.ts';
import type { CertificateSource } from '../../src/tls/certificate-source.ts';
import type { CertificateFilesSource } from '../../src/tls/read-certificate-files.ts';
import { servedTo, shake, startServer } from './handshake.ts';
import { hurriedSystem, pause } from './hurried-system.ts';
import { DAY, type Made, makeCertificate, makeEcCertificate } from './make-certificate.ts';
import { makePkcs12 } from './make-pkcs12.ts';
import { createRecordingLog, type RecordingLog } from './recording-log.ts';

const root = makeCertificate({ commonName: 'Root', ca: true });
const roots = [new X509Certificate(root.certPem)];
const make = (more: { notBefore?: number; notAfter?: number } = {}, name = 'x.test') =>
  makeEcCertificate([name], root, 'P-256', more);
const expired = () => make({ notBefore: Date.now() - 2 * DAY, notAfter: Date.now() - DAY });
const fingerprint = (made: Made) => new X509Certificate(made.certPem).fingerprint256;

let folder: string;
let cert: string;
let key: string;
let log: RecordingLog;
let opened: CertificateSource[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-files-'));
  [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  log = createRecordingLog();
  opened = [];
});
afterEach(async () => {
  for (const source of opened) source.close();
  await rm(folder, { recursive: true, force: true });
});

function open(source: CertificateFilesSource = { kind: 'pem', cert, key }): CertificateSource {
  const files = createCertificateFiles(source, ['x.test'], { system: hurriedSystem, log, roots });
  opened.push(files);
  return files;
}

async function put(made: Made, where = folder): Promise<void> {
  await writeFile(join(where, 'cert.pem'), made.certPem);
  await writeFile(join(where, 'key.pem'), made.keyPem, { mode: 0o600 });
}

/** By renaming, as careful programs do: no reader sees half of it. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** The poll comes every 3 s on this clock: what happens within 2 s was told by an event. */
const BY_EVENT = 2_000;

async function becomes(source: CertificateSource, made: Made, timeout = 10_000): Promise<void> {
  await vi.waitFor(() => expect(source.current()?.fingerprint256).toBe(fingerprint(made)), { timeout });
}

describe('at start', () => {
  it('a certificate that fits is served, without a word', async () => {
    const made = make();
    await put(made);
    const source = open();
    expect((await source.load()).fingerprint256).toBe(fingerprint(made));
    expect(source.current()?.origin).toBe(cert);
    expect(source.findings()).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it('a PKCS#12 file serves as well', async () => {
    const made = make();
    const file = join(folder, 'x.p12');
    await writeFile(file, makePkcs12(made.keyPem, [root, made], 'secret'));
    const source = open({ kind: 'pkcs12', file, password: 'secret' });
    expect((await source.load()).fingerprint256).toBe(fingerprint(made));
    const next = make();
    await replace(file, makePkcs12(next.keyPem, [next], 'secret').toString('latin1'));
    await writeFile(file, makePkcs12(next.keyPem, [next], 'secret'));
    await becomes(source, next);
  });

  it.each([
    ['is missing', async () => undefined, 'certificate-unreadable', 'does not exist'],
    ['is a folder', () => mkdir(cert), 'certificate-unreadable', 'is a folder'],
    ['is garbage', () => put({ ...make(), certPem: 'garbage' }), 'certificate-unreadable', 'no certificate'],
    ['is for another name', () => put(make({}, 'y.test')), 'certificate-name-missing', 'does not cover x.test'],
    ['has another key', () => put({ ...make(), keyPem: make().keyPem }), 'certificate-key-mismatch', 'does not belong'],
    [
      'is too weak',
      () => put(makeCertificate({ names: ['x.test'], bits: 1024 })),
      'certificate-key-unsupported',
      '1024 bits',
    ],
  ])('a certificate that %s is refused, with the file and the fix', async (_, prepare, code, words) => {
    await prepare();
    const error = await open()
      .load()
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(SidecarError);
    expect(error).toMatchObject({ code, blame: 'operator' });
    expect((error as SidecarError).message).toContain(words);
    expect((error as SidecarError).message).toContain(cert);
    expect((error as SidecarError).hint).toMatch(/\w/);
  });

  it('an expired certificate is served all the same, and loudly', async () => {
    await put(expired());
    const source = open();
    await source.load();
    expect(source.findings().map(({ code }) => code)).toEqual(['certificate-expired']);
    expect(log.at('warn')).toEqual([expect.stringContaining('expired on')]);
  });

  it('a missing intermediate is a warning', async () => {
    const middle = makeCertificate({ commonName: 'Middle', ca: true, issuer: root });
    await put(makeEcCertificate(['x.test'], middle));
    const source = open();
    await source.load();
    expect(log.at('warn')).toEqual([expect.stringContaining('CN=Middle')]);
    expect(source.findings()).toMatchObject([{ severity: 'warning', code: 'certificate-chain-incomplete' }]);
  });
});

describe('while it runs', () => {
  let first: Made;
  let source: CertificateSource;
  let changes: number;
  async function begin(files?: CertificateFilesSource): Promise<void> {
    source = open(files);
    changes = 0;
    source.onChange(() => {
      changes += 1;
    });
    await source.load();
  }
  beforeEach(async () => {
    first = make();
    await put(first);
  });

  it('a new certificate is swapped in without dropping a connection', async () => {
    await begin();
    const server = await startServer(() => createCertificateSet([source.current()!]));
    try {
      const live = await shake(server.port, { servername: 'x.test', ca: root.certPem });
      const next = make();
      await replace(key, next.keyPem);
      await replace(cert, next.certPem);
      await becomes(source, next);
      expect(await servedTo(server.port, 'x.test')).toBe(fingerprint(next));
      live.write('still here');
      expect(String((await once(live, 'data'))[0])).toBe('still here');
      live.destroy();
      expect(changes).toBe(1);
      expect(log.at('info')).toHaveLength(1);
      expect(log.at('warn')).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('a pair caught half-written is waited for, silently', async () => {
    await begin();
    const next = make();
    await writeFile(cert, next.certPem.slice(0, 400));
    await pause(1000);
    await writeFile(cert, next.certPem);
    await pause(1000);
    expect(source.current()?.fingerprint256).toBe(fingerprint(first));
    await writeFile(key, next.keyPem);
    await becomes(source, next);
    expect(log.at('warn')).toEqual([]);
  });

  it.each([
    ['garbage', () => writeFile(cert, 'garbage'), 'certificate-unreadable'],
    ['a missing file', () => rm(key), 'certificate-unreadable'],
    ['a wrong key', () => writeFile(key, make().keyPem), 'certificate-key-mismatch'],
    ['a wrong name', () => put(make({}, 'y.test')), 'certificate-name-missing'],
    ['an expired one', () => put(expired()), 'certificate-expired'],
  ])(
    'a bad new file (%s) never replaces the good one, is reported once, and is forgotten with the next',
    async (_, spoil, code) => {
      await begin();
      await spoil();
      await vi.waitFor(() => expect(log.at('warn')).toHaveLength(1), { timeout: 10_000 });
      // Two more polls, and an event: nothing new.
      await writeFile(join(folder, 'unrelated'), 'x');
      await pause(2_000);
      await source.reload();
      await source.reload();
      expect(log.at('warn')).toEqual([expect.stringContaining('The one in use stays.')]);
      expect(source.current()?.fingerprint256).toBe(fingerprint(first));
      expect(source.findings()).toMatchObject([{ severity: 'warning', code }]);
      const next = make();
      await put(next);
      await becomes(source, next);
      expect(source.findings()).toEqual([]);
      expect(changes).toBe(1);
    },
  );

  it('another bad file is reported anew, and the old good one put back clears the finding', async () => {
    await begin();
    await replace(cert, 'garbage');
    await vi.waitFor(() => expect(log.at('warn')).toHaveLength(1), { timeout: 10_000 });
    await replace(cert, 'other garbage');
    await vi.waitFor(() => expect(log.at('warn')).toHaveLength(2), { timeout: 10_000 });
    await put(first);
    await vi.waitFor(() => expect(source.findings()).toEqual([]), { timeout: 10_000 });
    expect(changes).toBe(0);
  });

  it('links swapped as certbot does it are followed', async () => {
    const [archive, live] = [join(folder, 'archive'), join(folder, 'live')];
    await mkdir(archive);
    await mkdir(live);
    const install = async (made: Made, number: number) => {
      for (const [name, text] of [
        ['cert', made.certPem],
        ['key', made.keyPem],
      ] as const) {
        await writeFile(join(archive, `${name}${number}.pem`), text);
        await symlink(`../archive/${name}${number}.pem`, join(live, `${name}.new`));
        await rename(join(live, `${name}.new`), join(live, `${name}.pem`));
      }
    };
    await install(first, 1);
    await begin({ kind: 'pem', cert: join(live, 'cert.pem'), key: join(live, 'key.pem') });
    for (const number of [2, 3]) {
      const next = make();
      await install(next, number);
      await becomes(source, next, BY_EVENT);
    }
    expect(log.at('warn')).toEqual([]);
  });

  it('a link in the middle of the path swapped as Kubernetes does it is followed', async () => {
    const mount = join(folder, 'mount');
    await mkdir(mount);
    const install = async (made: Made, version: string) => {
      await mkdir(join(mount, version));
      await put(made, join(mount, version));
      await symlink(version, join(mount, '..data_tmp'));
      await rename(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    await install(first, '..2026_1');
    for (const name of ['cert.pem', 'key.pem']) await symlink(join('..data', name), join(mount, name));
    await begin({ kind: 'pem', cert: join(mount, 'cert.pem'), key: join(mount, 'key.pem') });
    for (const version of ['..2026_2', '..2026_3']) {
      const next = make();
      await install(next, version);
      await becomes(source, next, BY_EVENT);
    }
    expect(changes).toBe(2);
  });

  it('a folder that is a link to a release is followed', async () => {
    const current = join(folder, 'current');
    const install = async (made: Made, release: string) => {
      await mkdir(join(folder, 'releases', release), { recursive: true });
      await put(made, join(folder, 'releases', release));
      await symlink(join(folder, 'releases', release), `${current}.new`);
      await rename(`${current}.new`, current);
    };
    await install(first, '1');
    await begin({ kind: 'pem', cert: join(current, 'cert.pem'), key: join(current, 'key.pem') });
    for (const release of ['2', '3']) {
      const next = make();
      await install(next, release);
      await becomes(source, next, BY_EVENT);
    }
  });

  it('a change that no event tells of is found by the poll', async () => {
    const inner = join(folder, 'outer', 'inner');
    await mkdir(inner, { recursive: true });
    await put(first, inner);
    await begin({ kind: 'pem', cert: join(inner, 'cert.pem'), key: join(inner, 'key.pem') });
    const next = make();
    const prepared = join(folder, 'prepared', 'inner');
    await mkdir(prepared, { recursive: true });
    await put(next, prepared);
    // Until the look that follows the start is over.
    await pause(4_000);
    // The folder that is watched stays what it was; only the way to it leads elsewhere.
    await rename(join(folder, 'outer'), join(folder, 'old'));
    await rename(join(folder, 'prepared'), join(folder, 'outer'));
    await becomes(source, next);
    // And from then on the new folder is watched.
    const last = make();
    await put(last, inner);
    await becomes(source, last, BY_EVENT);
  });

  it('is looked at at once when asked', async () => {
    await begin();
    const next = make();
    await put(next);
    await source.reload();
    expect(source.current()?.fingerprint256).toBe(fingerprint(next));
    await writeFile(cert, 'garbage');
    await source.reload();
    expect(log.at('warn')).toHaveLength(1);
  });

  it('nothing changes any more after it was closed, twice if need be', async () => {
    await begin();
    source.close();
    source.close();
    await put(make());
    await source.reload();
    await pause(3_000);
    expect(source.current()?.fingerprint256).toBe(fingerprint(first));
    expect(changes).toBe(0);
    expect(log.lines).toEqual([]);
  });
});
