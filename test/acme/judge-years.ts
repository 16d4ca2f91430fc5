import { X509Certificate } from 'node:crypto';
import { limitsOfCa, type Window } from '../../src/acme/ca-limits.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import { setOf } from './keeper-life.ts';
import { DAY, HOUR, T0 } from './ledger-facts.ts';
import { longestCalm } from './simulated-world.ts';
import type { YearsReport, YearsWish } from './simulated-years.ts';

/** A world in which nothing goes wrong but that the process is restarted and killed. */
export function calmYears(days: number): Omit<YearsWish, 'seed'> {
  return {
    issuer: createScriptedIssuer(),
    span: { from: T0, to: T0 + days * DAY },
    // One name each: what is proved at the same time is answered in any order, and a seed would not tell all.
    sets: [setOf('example.test'), setOf('192.0.2.1')],
    lifetime: 45 * DAY,
    shortLifetime: 160 * HOUR,
    outagesEvery: undefined,
    unprovableEvery: undefined,
    restartsEvery: 5 * DAY,
    killed: 0.01,
    faults: 0,
    adviceEvery: 86_400,
  };
}

/** The same, and a CA that is away for days and fails at random, and names that do not lead here for days. */
export function roughYears(days: number): Omit<YearsWish, 'seed'> {
  return { ...calmYears(days), outagesEvery: 15 * DAY, unprovableEvery: 60 * DAY, killed: 0.003, faults: 0.02 };
}

/** All that was not as it has to be in every world, a sentence each; `slack`: how long a renewal may take when all is well. */
export function judgeYears(wish: Omit<YearsWish, 'seed'>, report: YearsReport, slack: number): string[] {
  return [...judgeServed(wish, report, slack), ...judgeLimits(report)];
}

/** Certificates that were served after their end although there was time to renew them. */
function judgeServed(wish: Omit<YearsWish, 'seed'>, { served, troubles }: YearsReport, slack: number): string[] {
  return served.flatMap(({ set, to, notBefore, notAfter, from }) => {
    const until = Math.min(to, wish.span.to);
    if (notBefore === undefined || notAfter === undefined) {
      const calm = longestCalm(troubles, from, until);
      return calm > slack ? [`${set.id} had none for ${hours(calm)} from ${instant(from)}`] : [];
    }
    if (until <= notAfter) return [];
    const lifetime = notAfter - notBefore;
    const due = notAfter - lifetime * (lifetime < 10 * DAY ? 1 / 2 : 1 / 3) + lifetime / 50;
    const calm = longestCalm(troubles, due, until);
    return calm > slack ? [`${set.id} expired ${instant(notAfter)} after ${hours(calm)} in which all was well`] : [];
  });
}

/** Where the CA would have said no, by its own counts. */
function judgeLimits({ scripted, failed }: YearsReport): string[] {
  const limits = limitsOfCa('https://acme-v02.api.letsencrypt.org/directory');
  const { made } = scripted.orders;
  const wrong: string[] = [];
  const judge = (what: string, times: readonly number[], window: Window): void => {
    const at = findOverdraft(times, window);
    if (at !== undefined) wrong.push(`too many ${what}, ${instant(at)}`);
  };
  for (const name of new Set(made.map(nameOf))) {
    const issued = made.filter((one) => nameOf(one) === name && !one.exempt).flatMap(({ issuedAt }) => issuedAt ?? []);
    judge(`certificates for ${name}`, issued, limits.certificatesPerSet);
    judge(`failed validations of ${name}`, failed.get(name) ?? [], limits.failedAuthorizationsPerName);
  }
  judge(
    'orders',
    made.map(({ madeAt }) => madeAt),
    limits.ordersPerAccount,
  );
  return wrong;
}

/** Where a bucket of `count` that refills evenly in `per` was empty; undefined where it never was. */
function findOverdraft(times: readonly number[], { count, per }: Window): number | undefined {
  let [level, last] = [count, Number.NEGATIVE_INFINITY];
  for (const at of [...times].sort((a, b) => a - b)) {
    level = last === Number.NEGATIVE_INFINITY ? count : Math.min(count, level + ((at - last) * count) / per);
    if (level < 1) return at;
    level -= 1;
    last = at;
  }
  return undefined;
}

/**
 * Orders that would not have been made had nobody restarted: every order gives a certificate that is served, and there
 * are no more of them than the CA's advice asks for. For a calm world only.
 */
export function judgeOrders(wish: Omit<YearsWish, 'seed'>, report: YearsReport): string[] {
  const { made, issued } = report.scripted.orders;
  const wrong: string[] = [];
  const settled = wish.span.to - HOUR;
  const unfinished = made.filter(({ leaf, madeAt }) => leaf === undefined && madeAt < settled).length;
  if (unfinished > report.unheard)
    wrong.push(`${unfinished} orders without a certificate, ${report.unheard} unheard of`);
  const seen = new Set(report.served.map(({ fingerprint256 }) => fingerprint256));
  for (const [index, leaf] of issued.entries()) {
    const { fingerprint256, validFromDate } = new X509Certificate(leaf);
    if (validFromDate.getTime() + HOUR < settled && !seen.has(fingerprint256))
      wrong.push(`certificate ${index + 1} of ${issued.length} was never served`);
  }
  for (const set of wish.sets) {
    const short = set.requiredProfile !== undefined;
    const lifetime = short ? wish.shortLifetime : wish.lifetime;
    const shortest = lifetime * ((short ? 1 / 2 : 2 / 3) - 1 / 50) - HOUR;
    const most = Math.floor((wish.span.to - wish.span.from) / shortest) + 1;
    const count = made.filter((one) => one.leaf !== undefined && nameOf(one) === set.names.join()).length;
    if (count > most) wrong.push(`${count} certificates for ${set.id}, where ${most} are enough`);
    if (count < most / 2) wrong.push(`only ${count} certificates for ${set.id}`);
  }
  return wrong;
}

function nameOf({ identifiers }: YearsReport['scripted']['orders']['made'][0]): string {
  return identifiers.map(({ value }) => value).join();
}

const hours = (ms: number): string => `${(ms / HOUR).toFixed(1)} hours`;
const instant = (at: number): string => `at ${new Date(at).toISOString()}`;
