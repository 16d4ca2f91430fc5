import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pause } from '../harness/until.ts';
import { type Measured, measure, outputOf } from './attacks/measure.ts';
import { PROGRAMS, runProgram, whyNoProgram } from './attacks/programs.ts';
import { writeReport } from './attacks/report.ts';
import { asAttacker, buildSidecar, forget, NAME, startProgram, startVictim, type Victim } from './attacks/victim.ts';

/** Seconds that each attack lasts. */
const SECONDS = Number(process.env['ATTACK_SECONDS'] ?? 5);
/** Milliseconds: what an innocent client's 99th percentile has to stay below, and the sidecar's memory in MiB. */
const MOST_P99 = 50;
const MOST_RSS = 300;
/** Milliseconds: with a 99th percentile beyond it when nobody attacks, it is the machine that is slow. */
const NOISY = 15;

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'HTTP/2': [
    'rapidReset',
    'continuationFlood',
    'settingsFlood',
    'pingFlood',
    'priorityFlood',
    'emptyData',
    'windowUpdateFlood',
    'hpackBomb',
  ],
  'answers that are not taken': ['zeroWindow', 'tinyWindows', 'unreadAnswers', 'pipeliningUnread'],
  TLS: ['silence', 'drippingHello', 'halfHello', 'abandonedHandshakes', 'handshakeFlood', 'renegotiation', 'garbage'],
  connections: ['idleTcp', 'idleFromOne', 'idleTls', 'churn'],
  'HTTP/1.1': ['pipelining', 'hugeHeaders', 'notFound'],
  'programs of others': Object.keys(PROGRAMS),
};

let compiled: string;
const results: Measured[] = [];
beforeAll(() => {
  compiled = buildSidecar();
});
afterAll(() => {
  if (compiled !== undefined) forget(compiled);
  const folder = process.env['ATTACKS_REPORT'];
  if (folder !== undefined) writeReport(folder, results);
});

async function attack(victim: Victim, name: string): Promise<Measured> {
  const { https } = victim.sidecar;
  return measure(victim, name, async () => {
    if (name in PROGRAMS) return runProgram(name, https, SECONDS);
    const args = [name, String(https), NAME, String(SECONDS)];
    return JSON.parse(await outputOf(startProgram('attacker.ts', args, asAttacker))) as Record<string, number>;
  });
}

const isNoisy = ({ control }: Measured): boolean => control.fresh.p99 > NOISY || control.kept.p99 > NOISY;
/** Did a client wait? Not where one failed as well: that is told at once. */
const isSlow = ({ under }: Measured): boolean =>
  Math.max(under.fresh.p99, under.kept.p99) >= MOST_P99 && under.failures.length === 0;

/** Times that an attack is measured at most: a pause of the machine's own does not come back, one of the sidecar's does. */
const TRIES = 3;

/**
 * Measures an attack, and again, on a fresh sidecar, where the client had to wait: of a hundred requests in five seconds the 99th
 * percentile is the second worst, which a shared machine spoils by itself now and then. What every try shows is the sidecar's.
 */
async function judge(victim: Victim, name: string, called = name, through: readonly string[] = []): Promise<Victim> {
  let measured = await attack(victim, name);
  for (let tries = 1; isSlow(measured) && tries < TRIES; tries++) {
    await victim.close();
    await pause(3_000);
    victim = await start(through);
    measured = await attack(victim, name);
  }
  results.push({ ...measured, attack: called });
  const { control, under, rss, did } = measured;
  // The attack took place.
  expect(Object.values(did).some((times) => times > 0)).toBe(true);
  expect(under.failures).toEqual([]);
  expect(under.fresh.samples).toBeGreaterThan(SECONDS * 10);
  // Where the machine alone is slow, all that can be said is that the attack makes little of a difference.
  const allowed = isNoisy(measured) ? Math.max(MOST_P99, 3 * Math.max(control.fresh.p99, control.kept.p99)) : MOST_P99;
  expect(under.fresh.p99, JSON.stringify(measured)).toBeLessThan(allowed);
  expect(under.kept.p99, JSON.stringify(measured)).toBeLessThan(allowed);
  expect(rss.most, JSON.stringify(measured)).toBeLessThan(MOST_RSS);
  return victim;
}

let current: Victim | undefined;
/** A fresh one each time: what an attack leaves behind in memory is its own. */
async function start(through: readonly string[] = []): Promise<Victim> {
  const victim = await startVictim(compiled, through);
  current = victim;
  // Its code is compiled by use, and so is that of the client.
  await pause(2_000);
  return victim;
}
afterEach(async () => {
  await current?.close();
  current = undefined;
});

for (const [group, names] of Object.entries(GROUPS)) {
  describe(`under attack by ${group}, an innocent client is answered in time and memory is bounded:`, () => {
    for (const name of names) {
      const missing = name in PROGRAMS ? whyNoProgram(name) : undefined;
      const skipped = missing !== undefined && process.env['REQUIRE_PEERS'] !== '1';
      test.skipIf(skipped)(missing === undefined ? name : `${name}: ${missing}`, async () => {
        if (missing !== undefined) throw new Error(missing);
        await judge(await start(), name);
      });
    }
  });
}

test('with 256 file descriptors, hundreds of connections are survived, and served is who comes', async () => {
  const through = ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh'];
  const { sidecar } = await judge(await start(through), 'idleFromOne', '256 descriptors', through);
  expect(sidecar.log().filter((line) => line['level'] === 'error')).toEqual([]);
});
