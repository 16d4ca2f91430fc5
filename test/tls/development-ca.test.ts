import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { realSystem } from '../../src/base/system.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Store } from '../../src/store/store.ts';
import { createCertificateSet } from '../../src/tls/certificate-set.ts';
import { checkCertificate } from '../../src/tls/check-certificate.ts';
import { createDevelopmentCa, ROOT_COPY_KEY, ROOT_KEY } from '../../src/tls/development-ca.ts';
import { shake, startServer } from './handshake.ts';
import { DAY } from './make-certificate.ts';
import { createManualSystem } from './manual-system.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-ca-'));
  store = createFileStore(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const create = (system = realSystem) => createDevelopmentCa({ store }, { system });

describe('the development CA', () => {
  it('is made on first use, for ten years, and kept', async () => {
    const system = createManualSystem();
    const first = create(system);
    expect(await store.list('')).toEqual([]);
    const pem = await first.caPem();
    const root = new X509Certificate(pem);
    expect(root.ca).toBe(true);
    expect(root.subject).toMatch(/^CN=matrix-sidecar development CA [0-9a-f]{8}$/);
    expect(root.validToDate.getTime() - system.now()).toBeGreaterThan(3649 * DAY);
    expect(await create(system).caPem()).toBe(pem);
    expect((await store.read(ROOT_COPY_KEY))?.toString()).toBe(pem);
  });

  it('keeps its key in a file that only its owner can read, and the copy for clients has none', async () => {
    await create().caPem();
    expect((await stat(store.where(ROOT_KEY))).mode & 0o777).toBe(0o600);
    expect((await store.read(ROOT_KEY))?.toString()).toContain('PRIVATE KEY');
    expect((await store.read(ROOT_COPY_KEY))?.toString()).not.toContain('PRIVATE KEY');
  });

  it('is made once when several ask at the same time, and so is a certificate', async () => {
    const ca = create();
    const [one, two, three] = await Promise.all([ca.issue(['a.test']), ca.issue(['A.test', 'a.test']), ca.caPem()]);
    expect(one.fingerprint256).toBe(two.fingerprint256);
    expect(one.leaf.verify(new X509Certificate(three).publicKey)).toBe(true);
    expect(await store.list('development-ca/leafs/')).toHaveLength(1);
  });

  it('issues certificates that clients who trust it accept by name, wildcard, localhost and address', async () => {
    const ca = create();
    const names = ['example.test', '*.example.test', 'localhost', '127.0.0.1', '::1', '2001:db8::1'];
    const certificate = await ca.issue(names);
    expect([...certificate.dnsNames, ...certificate.ipAddresses].sort()).toEqual([...names].sort());
    expect(certificate.origin).toBe('development CA');
    expect(certificate.leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    const set = createCertificateSet([certificate]);
    const server = await startServer(() => set);
    try {
      const trust = { ca: await ca.caPem() };
      for (const servername of ['example.test', 'a.example.test', 'localhost']) {
        const socket = await shake(server.port, { ...trust, servername });
        expect(socket.authorized).toBe(true);
        socket.destroy();
      }
      // The host, 127.0.0.1, is what is verified when there is no servername.
      const byAddress = await shake(server.port, trust);
      expect(byAddress.authorized).toBe(true);
      byAddress.destroy();
      for (const servername of ['other.test', 'a.b.example.test']) {
        await expect(shake(server.port, { ...trust, servername })).rejects.toMatchObject({
          code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        });
      }
    } finally {
      await server.close();
    }
  });

  it('issues certificates in which nothing is wrong', async () => {
    const ca = create();
    const certificate = await ca.issue(['example.test', '192.0.2.1']);
    const root = new X509Certificate(await ca.caPem());
    const names = ['example.test', '192.0.2.1'];
    expect(checkCertificate(certificate, { names, now: Date.now(), roots: [root] })).toEqual([]);
    expect(certificate.leaf.ca).toBe(false);
    expect(certificate.leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    const text = (await store.read((await store.list('development-ca/leafs/'))[0]!))!.toString();
    expect(new X509Certificate(text).fingerprint256).toBe(certificate.fingerprint256);
  });

  it('gives the stored certificate until a third of its life is left, then a new one', async () => {
    const system = createManualSystem();
    const first = await create(system).issue(['a.test', 'b.test']);
    expect(first.notAfter - system.now()).toBe(90 * DAY);
    await system.advance(59 * DAY);
    expect((await create(system).issue(['b.test', 'a.test'])).fingerprint256).toBe(first.fingerprint256);
    await system.advance(1 * DAY);
    const second = await create(system).issue(['a.test', 'b.test']);
    expect(second.fingerprint256).not.toBe(first.fingerprint256);
    expect(second.notAfter - system.now()).toBe(90 * DAY);
  });

  it('gives other names another certificate', async () => {
    const ca = create();
    const [one, two] = [await ca.issue(['a.test']), await ca.issue(['a.test', 'b.test'])];
    expect(one.dnsNames).toEqual(['a.test']);
    expect(two.dnsNames).toEqual(['a.test', 'b.test']);
  });

  it('replaces a stored certificate that is damaged or of another CA', async () => {
    const first = await create().issue(['a.test']);
    const [key] = await store.list('development-ca/leafs/');
    await store.write(key!, Buffer.from('damaged'));
    const second = await create().issue(['a.test']);
    await store.remove(ROOT_KEY);
    const other = create();
    const third = await other.issue(['a.test']);
    expect(new Set([first, second, third].map(({ fingerprint256 }) => fingerprint256)).size).toBe(3);
    expect(third.leaf.verify(new X509Certificate(await other.caPem()).publicKey)).toBe(true);
  });

  it.each([
    ['is empty', () => ''],
    ['is garbage', () => 'garbage'],
    ['has lost its key', (pem: string) => pem.slice(0, pem.indexOf('-----BEGIN PRIVATE KEY'))],
    ['is cut off', (pem: string) => pem.slice(0, 900)],
  ])('is never replaced unasked when it %s: the error names the file', async (_, damage) => {
    await create().caPem();
    const damaged = damage((await store.read(ROOT_KEY))!.toString());
    await store.write(ROOT_KEY, Buffer.from(damaged));
    const ca = create();
    for (const attempt of [() => ca.caPem(), () => ca.issue(['a.test'])]) {
      const error = await attempt().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(SidecarError);
      expect(error).toMatchObject({ code: 'development-ca-unusable', blame: 'operator' });
      expect((error as SidecarError).message).toContain(store.where(ROOT_KEY));
      expect((error as SidecarError).hint).toContain('remove it');
    }
    expect((await store.read(ROOT_KEY))!.toString()).toBe(damaged);
  });

  it('says so when it has expired, or has the key of another', async () => {
    const system = createManualSystem();
    await create(system).caPem();
    const pem = (await store.read(ROOT_KEY))!.toString();
    await system.advance(3651 * DAY);
    await expect(create(system).caPem()).rejects.toThrow('it expired on 2036-05-29');
    await store.remove(ROOT_KEY);
    await create().caPem();
    const other = (await store.read(ROOT_KEY))!.toString();
    const border = '-----BEGIN PRIVATE KEY';
    await store.write(ROOT_KEY, Buffer.from(pem.slice(0, pem.indexOf(border)) + other.slice(other.indexOf(border))));
    await expect(create().caPem()).rejects.toThrow('its key does not belong to its certificate');
  });

  it('tries again after a failure', async () => {
    let full = true;
    const ca = createDevelopmentCa(
      {
        store: {
          ...store,
          write: (key, bytes) => (full ? Promise.reject(new Error('disk full')) : store.write(key, bytes)),
        },
      },
      { system: realSystem },
    );
    await expect(ca.issue(['a.test'])).rejects.toThrow('disk full');
    full = false;
    expect((await ca.issue(['a.test'])).dnsNames).toEqual(['a.test']);
  });

  it.each([[[]], [['']], [['a b']], [['*']], [['a.*']], [['ä.test']]])('refuses %j as names', async (names) => {
    await expect(create().issue(names)).rejects.toMatchObject({ code: 'development-ca-names' });
  });
});
