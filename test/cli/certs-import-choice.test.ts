import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameSetId } from '../../src/acme/names.ts';
import { readCertificate, type StoredCertificate } from '../../src/acme/stored-certificate.ts';
import { DAY, type Made, makeCertificate } from '../tls/make-certificate.ts';
import {
  asTranscript,
  type Bench,
  certificateFor,
  NAMES,
  NOW,
  openBench,
  root,
  SERVERS,
  transcript,
} from './certs-bench.ts';

const good = certificateFor(NAMES, 59);

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

const stored = async (names: readonly string[] = NAMES): Promise<StoredCertificate | undefined> =>
  (await readCertificate(bench.store, nameSetId(names)))?.stored;

describe('what certs import takes', () => {
  const offer = (made: Made, name = 'a'): string =>
    bench.write(`${name}.pem`, made.keyPem + made.certPem + root.certPem);

  it('is stored for every set of names that it covers', async () => {
    bench.configure(`${SERVERS}  - { server_name: other.example.org, homeserver: "http://o" }\n`);
    offer(certificateFor([...NAMES, 'other.example.org', 'more.example.org'], 50));
    expect((await bench.run(['import', 'a.pem'])).out.match(/^taken: .*/gm)).toEqual([
      'taken: example.com, matrix.example.com',
      'taken: other.example.org',
    ]);
    expect((await stored(['other.example.org']))?.names).toEqual(['other.example.org']);
  });

  it('is the one that is good for longest', async () => {
    offer(certificateFor(NAMES, 20), 'a');
    offer(certificateFor(NAMES, 60), 'b');
    offer(certificateFor(NAMES, 40), 'c');
    const { out } = await bench.run(['import', 'a.pem', 'b.pem', 'c.pem']);
    expect(out).toContain('FOLDER/a.pem\n  FOLDER/b.pem has the same names, and is good for longer.');
    expect(out).toMatch(/^taken: .*\n +from +FOLDER\/b\.pem$/m);
  });

  it('has, of two that are good for as long, no names beyond those that are needed', async () => {
    offer(certificateFor(['*.example.com', ...NAMES], 59), 'a');
    offer(good, 'b');
    expect((await bench.run(['import', 'a.pem', 'b.pem'])).out).toContain(
      'FOLDER/b.pem has the same names, and is good for as long.',
    );
  });

  it('never replaces one that is good for longer, and that is no failure', async () => {
    await bench.keep(certificateFor(NAMES, 60));
    const before = await stored();
    offer(good);
    const ran = await bench.run(['import', 'a.pem']);
    await expect(asTranscript('import a.pem', ran)).toMatchFileSnapshot(transcript('import-shorter'));
    expect([ran.code, await stored()]).toEqual([0, before]);
  });

  it('replaces one that is good for shorter', async () => {
    await bench.keep(certificateFor(NAMES, 58));
    offer(good);
    expect((await bench.run(['import', 'a.pem'])).code).toBe(0);
    expect((await stored())?.keyPem).toBe(good.keyPem);
  });

  it('may be taken twice', async () => {
    offer(good);
    await bench.run(['import', 'a.pem']);
    expect(await bench.run(['import', 'a.pem'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('It is in the store already.'),
    });
  });

  it('is said to be due where it is', async () => {
    offer(certificateFor(NAMES, 20));
    expect((await bench.run(['import', 'a.pem'])).out).toContain('It is due for renewal');
  });

  it.each([
    ['has expired', () => certificateFor(NAMES, -1), 'expired on 2026-05-31'],
    ['is not valid yet', () => certificateFor(NAMES, 91), 'is not valid before'],
    [
      'is self-signed',
      () => makeCertificate({ names: NAMES, notBefore: NOW - DAY, notAfter: NOW + 300 * DAY }),
      'It is self-signed',
    ],
    [
      'is for others',
      () => certificateFor(['a.example.net'], 60),
      'It is for a.example.net, which this configuration does not need.',
    ],
    [
      'lacks a name',
      () => certificateFor(['example.com'], 60),
      'It is for example.com, and lacks matrix.example.com, which has to be on the same certificate.',
    ],
    [
      'has a key that is too short',
      () => makeCertificate({ names: NAMES, issuer: root, bits: 1024, notBefore: NOW - DAY, notAfter: NOW + 60 * DAY }),
      'RSA with 1024 bits',
    ],
  ])('is never one that %s; then nothing is written and the exit code is 1', async (_, make, why) => {
    offer(make());
    const { code, out, err } = await bench.run(['import', 'a.pem']);
    expect(code).toBe(1);
    expect(out).toContain(`not taken: FOLDER/a.pem\n`);
    expect(out).toContain(why);
    expect(err).toBe(
      'Nothing was taken over; this configuration needs a certificate for example.com, matrix.example.com.\n',
    );
    expect(await bench.store.list('')).toEqual([]);
  });
});
