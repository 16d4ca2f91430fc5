import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { whyNoSmallDisk } from '../harness/small-disk.ts';
import { describeSoak } from './soak/describe-soak.ts';
import { runSoak, type SoakAccount } from './soak/run-soak.ts';

const MIB = 1024 * 1024;
/** MiB that it costs to run TypeScript rather than what is built of it. */
const OF_SOURCES = 35;

const full = process.env['SOAK'] === 'full';
const seconds = Number(process.env['SOAK_SECONDS'] ?? (full ? 600 : 60));
const rate = Number(process.env['SOAK_RATE'] ?? 100);
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const missing = whyNoSmallDisk();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a small disk can be mounted, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`${seconds} s of everything at once, seed ${seed}${why}`, () => {
  let account: SoakAccount;

  beforeAll(
    async () => {
      console.log(`SEED=${seed} repeats the dice of this soak.`);
      const folder = process.env['SOAK_REPORT'];
      if (folder !== undefined) mkdirSync(folder, { recursive: true });
      account = await runSoak({ seed, seconds, rate, report: folder });
      console.log(describeSoak(account));
      if (folder === undefined) return;
      writeFileSync(join(folder, 'soak.md'), describeSoak(account));
      writeFileSync(join(folder, 'soak.json'), JSON.stringify(account, undefined, 1));
    },
    (seconds + 240) * 1_000,
  );

  it('every request was answered once, by its own answer, or the homeserver is why not', () => {
    expect(account.defects).toEqual([]);
    expect(account.complaints).toEqual([]);
    const { answered, explained, left, defect } = account.ends;
    expect([defect, answered + explained + left]).toEqual([0, account.sent]);
    expect(answered / account.sent).toBeGreaterThan(0.8);
  });

  it('what the sidecar counted agrees', () => {
    for (const [name, { sidecar, least, most }] of Object.entries(account.counters)) {
      expect(sidecar, name).toBeGreaterThanOrEqual(least);
      expect(sidecar, name).toBeLessThanOrEqual(most);
    }
  });

  it('memory is flat after the first third', () => {
    const { rss, heap, external } = account;
    for (const [name, { early, late }] of Object.entries({ rss, heap, external }))
      expect(late, name).toBeLessThan(early * 1.1 + 10 * MIB);
    expect(account.mostResident).toBeLessThan((300 + OF_SOURCES) * MIB);
  });

  it('every connection and request is given back', () => {
    expect(account.descriptors.after).toBeLessThanOrEqual(account.descriptors.before + 2);
    expect(account.left).toEqual({ inFlight: 0, held: 0 });
  });

  it('nothing in the log or on stderr tells of a defect', () => {
    expect(account.badLines).toEqual([]);
    expect(account.stderr).toBe('');
    expect(account.logLines).toBeGreaterThan(100);
  });
});
