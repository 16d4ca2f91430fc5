import { describe, expect, it } from 'vitest';
import { RETRY_CURVE } from '../../src/acme/retry.ts';
import { isThorough } from '../harness/thorough.ts';
import { DAY, dice, HOUR, MINUTE, T0 } from './ledger-facts.ts';
import { Killed, SimulatedKeeper, type World } from './simulated-keeper.ts';
import { drawSpans, longestCalm, mostWithin, SimulatedCa, type Span } from './simulated-world.ts';

const TWO_YEARS: Span = { from: T0, to: T0 + 730 * DAY };
const SEEDS = isThorough ? 2 : 1;
const PRODUCTION = 'https://acme-v02.api.letsencrypt.org/directory';
const STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';

interface Scenario {
  readonly lifetime: number;
  readonly hasAri: boolean;
  /** Mean milliseconds between restarts. */
  readonly restarts: number;
  readonly killed: number;
  readonly secondCa?: boolean;
  readonly misconfigured?: boolean;
  readonly eager?: boolean;
}

function run(scenario: Scenario, seed: number) {
  const random = dice(seed);
  const days = (least: number, most: number) => () => (least + random() * (most - least)) * DAY;
  const caOf = (directory: string) =>
    new SimulatedCa(directory, scenario.lifetime, drawSpans(TWO_YEARS, 12 * DAY, days(0.1, 5), random));
  const first = caOf(PRODUCTION);
  const second = caOf('https://acme.zerossl.com/v2/DV90');
  const world: World = {
    cas: [{ name: 'first', ca: first }, ...(scenario.secondCa === true ? [{ name: 'second', ca: second }] : [])],
    staging: caOf(STAGING),
    hasAri: scenario.hasAri,
    unprovable: scenario.misconfigured === true ? drawSpans(TWO_YEARS, 20 * DAY, days(0.1, 6), random) : [],
    revocations: drawSpans(TWO_YEARS, 200 * DAY, () => 1, random).map(({ from }) => from),
    killed: scenario.killed,
    eager: scenario.eager === true,
    random,
  };
  const keeper = new SimulatedKeeper(world);
  const restarts = drawSpans(TWO_YEARS, scenario.restarts, () => 10_000 + random() * 3 * MINUTE, random);
  let restart = 0;
  let wakes = 0;
  for (let now = TWO_YEARS.from, running = true; now < TWO_YEARS.to; wakes++) {
    if (running) {
      try {
        // A wake-up is never exact, and never early.
        const next = Math.max(now + 1, Math.ceil(keeper.wake(now)) + Math.floor(random() * 50));
        const killed = restarts[restart];
        running = killed === undefined || next < killed.from;
        now = running ? next : killed!.to;
        if (!running) restart++;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        running = false;
        now += 10_000 + Math.floor(random() * MINUTE);
      }
    } else {
      // The restarts that fell into the time that the last one took, or a kill, are one with it.
      while (restarts[restart] !== undefined && restarts[restart]!.from <= now) restart++;
      keeper.start(now);
      running = true;
    }
  }
  return { keeper, world, first, second, wakes };
}

const forty5 = { lifetime: 45 * DAY, hasAri: true, restarts: 2 * DAY, killed: 0.1 };
const six = { lifetime: 160 * HOUR, hasAri: true, restarts: 2 * DAY, killed: 0.1 };
const crashing = { restarts: 4 * HOUR, killed: 0.3 };

/** Those that the real keeper lives through as well, in two-years-of-the-keeper.test.ts and in test/peers. */
const LIVED_THROUGH: readonly [string, Scenario][] = [
  ['certificates of 45 days', forty5],
  ['certificates of six days', six],
  ['certificates of six days without the CA advising', { ...six, hasAri: false }],
  ['certificates of 45 days in a container that restarts all the time', { ...forty5, ...crashing }],
  ['certificates of six days in a container that restarts all the time', { ...six, ...crashing }],
];

describe('two years of decisions, with outages of the CA for days and restarts at random', () => {
  it.each<[string, Scenario]>([
    ...(isThorough ? LIVED_THROUGH : []),
    ['certificates of 45 days without the CA advising', { ...forty5, hasAri: false }],
    ['certificates of six days of a CA that wants them renewed all the time', { ...six, eager: true }],
    ['certificates of six days with a second CA', { ...six, secondCa: true }],
    ['certificates of 45 days of names that stop leading here for days', { ...forty5, misconfigured: true }],
    ['certificates of six days of names that stop leading here for days', { ...six, misconfigured: true }],
  ])('%s: none expires while the CA could be reached, and the CA never refuses', (_, scenario) => {
    const slack = slackOf(scenario);
    let renewed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { keeper, world, first, second } = run(scenario, seed);
      for (const { ca } of world.cas) {
        expect(ca.refusals).toBe(0);
        const most = ca.limits.certificatesPerSet.count;
        // More in a week than at once only where a certificate was about to expire, and no more than the CA refills.
        expect(mostWithin(ca.counted, 7 * DAY)).toBeLessThanOrEqual(scenario.killed > 0.2 ? 2 * most - 1 : most);
        expect(mostWithin(ca.issued, 7 * DAY)).toBeLessThanOrEqual(2 * most + 2);
        expect(mostWithin(ca.failed, HOUR)).toBeLessThanOrEqual(ca.limits.failedAuthorizationsPerName.count);
        expect(mostWithin(ca.orders, 3 * HOUR)).toBeLessThanOrEqual(30);
      }
      const troubles = scenario.secondCa === true ? common(first.outages, second.outages) : first.outages;
      for (const { due, renewed: at, expired } of keeper.renewals) {
        const calm = longestCalm([...troubles, ...world.unprovable], due, Math.min(at, TWO_YEARS.to));
        if (at > expired) expect(calm, `seed ${seed}: expired ${new Date(expired).toISOString()}`).toBeLessThan(slack);
      }
      // The last one is still good, or its renewal waits for an outage to end.
      const last = keeper.stored.certificate!;
      if (last.notAfter < TWO_YEARS.to) {
        expect(longestCalm([...troubles, ...world.unprovable], last.notAfter, TWO_YEARS.to)).toBeLessThan(slack);
      }
      renewed += keeper.renewals.length;
    }
    expect(renewed).toBeGreaterThan((SEEDS * (TWO_YEARS.to - TWO_YEARS.from)) / scenario.lifetime);
  });

  it('wakes up a few times a day, and not more often, where nothing is wrong', () => {
    const { wakes, keeper } = run({ ...forty5, restarts: 1e15, killed: 0 }, 7);
    expect(wakes / 730).toBeLessThan(12);
    expect(keeper.renewals.length).toBeGreaterThan(20);
  });
});

/**
 * How long everything may be well before the next attempt comes: the fast end of the curve while only the CA fails
 * (with its jitter, and an attempt or two that are killed); the slow end after failed validations, with a rehearsal first.
 * Where many orders are killed after the certificate was given, every such one costs what the CA refills in 34 hours.
 */
function slackOf({ misconfigured, killed, secondCa }: Scenario): number {
  if (misconfigured === true) return 3 * RETRY_CURVE.at(-1)!;
  if (secondCa === true) return 8 * HOUR;
  return killed > 0.2 ? 36 * HOUR : 2 * HOUR;
}

/** When both are in trouble. */
function common(a: readonly Span[], b: readonly Span[]): Span[] {
  return a.flatMap((one) =>
    b.flatMap((other) => {
      const span = { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
      return span.from < span.to ? [span] : [];
    }),
  );
}
