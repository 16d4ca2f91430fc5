import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caFolder } from '../../src/acme/ca-folder.ts';
import { emptyLedger, serialiseLedger } from '../../src/acme/ledger.ts';
import { LEDGER_KEY } from '../../src/acme/ledger-store.ts';
import { nameSetId } from '../../src/acme/names.ts';
import { writeVeto } from '../../src/acme/veto-record.ts';
import { createDevelopmentCa } from '../../src/tls/development-ca.ts';
import { DAY, makeCertificate } from '../tls/make-certificate.ts';
import { createManualSystem } from '../tls/manual-system.ts';
import {
  asTranscript,
  type Bench,
  certificateFor,
  LETS_ENCRYPT,
  NAMES,
  NOW,
  openBench,
  root,
  SERVERS,
  transcript,
} from './certs-bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

/** A ledger in which the last attempts for a set of names failed. */
async function recordFailures(names: readonly string[]): Promise<void> {
  const set = nameSetId(names);
  const detail = 'NXDOMAIN looking up A for matrix.example.com';
  const problem = { kind: 'validation', type: 'dns', detail, status: 400 } as const;
  const next = { at: NOW + 7_200_000, why: 'The CA could not validate it; next attempt after 2 hours.' };
  const counts = { failures: 3, lastAt: NOW - 60_000, caFailures: 0, ourFailures: 3, unknown: 0 };
  const tries = [{ set, ca: caFolder(LETS_ENCRYPT), ...counts, problem, next }];
  await bench.store.write(LEDGER_KEY, serialiseLedger({ ...emptyLedger(), tries }));
}

describe('certs list', () => {
  it('says why a certificate is needed before there is any, and exits 1', async () => {
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-none-yet'));
    expect(ran.code).toBe(1);
    // Looking makes nothing.
    expect(await bench.store.list('')).toEqual([]);
  });

  it('says for how long each is good and when the next one is ordered, and exits 0', async () => {
    const ari = { start: NOW + 28 * DAY, end: NOW + 30 * DAY, chosen: NOW + 29 * DAY, nextCheck: NOW, failures: 0 };
    await bench.keep(certificateFor(NAMES, 59), NAMES, { ari });
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-one'));
    expect(ran.code).toBe(0);
  });

  it("says in the CA's words what failed, and when it is tried again", async () => {
    await bench.keep(certificateFor(NAMES, 10));
    await recordFailures(NAMES);
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-failing'));
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(ran.out).toMatch(/last failure .*NXDOMAIN looking up A/);
  });

  it('says that an order is under way while a keeper lives that has begun it, and not when it is gone', async () => {
    const set = nameSetId(NAMES);
    const ca = caFolder(LETS_ENCRYPT);
    const counts = { failures: 1, lastAt: NOW - 5_000, caFailures: 0, ourFailures: 0, unknown: 1 };
    const next = { at: NOW + 55_000, why: 'An attempt was begun and how it ended is not known.' };
    const order = { id: 1, ca, account: 'a', set, names: NAMES, at: NOW - 5_000, outcome: 'unresolved' as const };
    const ledger = { ...emptyLedger(), nextOrder: 2, orders: [{ ...order, failedNames: [] }] };
    await bench.store.write(LEDGER_KEY, serialiseLedger({ ...ledger, tries: [{ set, ca, ...counts, next }] }));
    const lease = await bench.store.acquireLease('acme-keeper');
    expect((await bench.run(['list'])).out).toMatch(/\n {2}next +An order is under way since 2026-06-01 11:59 UTC\.\n/);
    await lease?.release();
    expect((await bench.run(['list'])).out).toContain('how it ended is not known');
  });

  it.skipIf(process.getuid?.() === 0)('says that nothing is ordered where the store cannot be written', async () => {
    await bench.store.write('a', Buffer.from('b'));
    chmodSync(join(bench.folder, 'certs'), 0o555);
    const { out } = await bench.run(['list']);
    chmodSync(join(bench.folder, 'certs'), 0o755);
    expect(out).toMatch(/next +The store cannot be written \(.*\): nothing is ordered until it can\.\n/);
  });

  it('lists those that are brought as files and those of the CA together', async () => {
    const mine = certificateFor(['mine.example.org'], 45);
    const peers = certificateFor(['peers.example.org'], -3);
    bench.write('mine.pem', mine.certPem + root.certPem);
    bench.write('mine.key', mine.keyPem);
    bench.write('peers.pem', peers.certPem + root.certPem);
    bench.write('peers.key', peers.keyPem);
    bench.configure(`${SERVERS}
  - server_name: mine.example.org
    homeserver: "http://mine:8008"
    certificate: { cert: mine.pem, key: mine.key }
    federation_certificate: { cert: peers.pem, key: peers.key }
  - { server_name: gone.example.org, homeserver: "http://gone:8008", certificate: { cert: gone.pem, key: mine.key } }
`);
    await bench.keep(certificateFor(NAMES, 59));
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-files'));
    expect(ran.code).toBe(1);
  });

  it("finds the development CA's certificate, and says who trusts it", async () => {
    bench.configure(`${SERVERS}certificates: local\n`);
    const before = await bench.run(['list']);
    expect(before.code).toBe(1);
    expect(before.out).toContain('The sidecar makes it when it starts.');
    const system = createManualSystem(NOW);
    await createDevelopmentCa({ store: bench.store }, { system }).issue([...NAMES, 'localhost', '127.0.0.1', '::1']);
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-local'));
    expect(ran.code).toBe(0);
  });

  it.each([
    [59, 0, 'good'],
    [9, 0, 'expires-soon'],
    [-1, 1, 'expired'],
    [91, 1, 'unusable'],
  ])('with %d days left exits %d: %s', async (daysLeft, code, state) => {
    await bench.keep(certificateFor(NAMES, daysLeft));
    const ran = await bench.run(['list', '--json']);
    expect([ran.code, (JSON.parse(ran.out) as { certificates: object[] }).certificates]).toEqual([
      code,
      [expect.objectContaining({ state, days_left: daysLeft })],
    ]);
  });

  it('takes a damaged certificate in the store for none, as the sidecar does', async () => {
    await bench.store.write(`acme/certificates/${nameSetId(NAMES)}.json`, Buffer.from('{"names":['));
    expect(await bench.run(['list'])).toMatchObject({ code: 1, out: expect.stringContaining('none yet') });
  });

  it('says that a certificate of a CA that is not configured any more is replaced', async () => {
    await bench.keep(certificateFor(NAMES, 59), NAMES, { directory: 'https://old.example/dir' });
    expect((await bench.run(['list'])).out).toMatch(/from +old\.example\n.*\n +next +now.*not configured/);
  });

  it('says what keeps a running sidecar from ordering, since when, and what to do', async () => {
    await writeVeto(bench.store, nameSetId(NAMES), {
      now: NOW - 3 * 3_600_000,
      why: 'No order for example.com, because it would fail: example.com has neither an A nor an AAAA record.',
      findings: [
        {
          id: 'name-does-not-resolve',
          what: 'example.com has neither an A nor an AAAA record.',
          fix: "Publish an A or AAAA record for example.com with this machine's public address.",
        },
      ],
    });
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-held-up'));
    const { certificates } = JSON.parse((await bench.run(['list', '--json'])).out) as { certificates: object[] };
    expect(certificates[0]).toMatchObject({
      held_up: { since: '2026-06-01T09:00:00.000Z', findings: [{ id: 'name-does-not-resolve' }] },
    });
    // What is not due is not held up.
    await bench.keep(certificateFor(NAMES, 59));
    expect((await bench.run(['list'])).out).not.toContain('held up');
  });

  it('tells machines the same, with null where there is nothing to say', async () => {
    await recordFailures(NAMES);
    const { out } = await bench.run(['list', '--json']);
    await expect(out).toMatchFileSnapshot(transcript('list-json').replace(/txt$/, 'json'));
  });

  it('has, after those, what is in the store and is not needed any more, and until when', async () => {
    await bench.keep(certificateFor(NAMES, 59));
    await bench.keep(certificateFor(['old.example.com'], 20), ['old.example.com']);
    await bench.keep(certificateFor(['older.example.com'], -10), ['older.example.com']);
    await bench.store.write('acme/certificates/zero.example.com-00000000.json', Buffer.from('{'));
    const ran = await bench.run(['list']);
    await expect(asTranscript('list', ran)).toMatchFileSnapshot(transcript('list-not-needed'));
    // Nothing of it is anything that somebody would have to mend.
    expect(ran.code).toBe(0);
    const { not_needed: listed } = JSON.parse((await bench.run(['list', '--json'])).out) as { not_needed: object[] };
    expect(listed).toMatchObject([
      { names: ['old.example.com'], ca: "Let's Encrypt", removed_at: '2026-07-21T12:00:00.000Z' },
      { names: ['older.example.com'], not_after: '2026-05-22T12:00:00.000Z' },
      { id: 'zero.example.com-00000000', names: null, removed_at: null },
    ]);
    bench.configure(`${SERVERS}certificates: local\n`);
    expect((await bench.run(['list'])).out).toMatch(/not needed +.* It stays until you remove it: FOLDER\/certs\/acme/);
  });

  it('has colours where they are wanted and nowhere else', async () => {
    await bench.keep(certificateFor(NAMES, -1));
    expect((await bench.run(['list'], { terminal: true })).out).not.toContain('\u001b');
    expect((await bench.run(['list'], { terminal: true, colour: true })).out).toContain('\u001b[31mexpired');
    expect((await bench.run(['list', '--json'], { terminal: true, colour: true })).out).not.toContain('\u001b');
  });

  it('says in one sentence that a certificate does not cover its names', async () => {
    const other = makeCertificate({
      names: ['other.example.org'],
      issuer: root,
      notAfter: NOW + 80 * DAY,
      notBefore: NOW - DAY,
    });
    bench.write('a.pem', other.certPem + root.certPem);
    bench.write('a.key', other.keyPem);
    bench.configure(
      'servers: [{ server_name: a.org, homeserver: "http://a", certificate: { cert: a.pem, key: a.key } }]\n',
    );
    const { code, out } = await bench.run(['list']);
    expect(code).toBe(1);
    expect(out).toContain('The certificate in FOLDER/a.pem does not cover a.org: it is for other.example.org.');
  });

  it('explains a store that cannot be read', async () => {
    bench.configure(`${SERVERS}store: sidecar.yaml\n`);
    const { code, err, out } = await bench.run(['list']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/FOLDER\/sidecar\.yaml/);
  });
});
