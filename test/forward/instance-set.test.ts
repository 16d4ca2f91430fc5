import { describe, expect, it } from 'vitest';
import { createUpstreamPool, parseUpstream, type Upstream } from '../../src/base/address.ts';
import type { Instance } from '../../src/forward/instance.ts';
import type { Trouble } from '../../src/forward/instance-health.ts';
import { createInstanceSet } from '../../src/forward/instance-set.ts';
import { createManualSystem } from '../tls/manual-system.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const read = (text: string): Upstream => {
  const parsed = parseUpstream(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const addresses = (...texts: string[]) => texts.map((address) => ({ address, family: 4 }));

/** A set whose instances are as `sick` says: what is not in it is well. */
function setUp(first: string, ...others: string[]) {
  return setUpWith({}, first, ...others);
}

function setUpWith(more: { readonly replaceable?: boolean }, first: string, ...others: string[]) {
  const system = createManualSystem(0, turn);
  const sick = new Map<string, Trouble['kind']>();
  const asked: string[] = [];
  const log: string[] = [];
  const places = others.map(read);
  const pool = createUpstreamPool([read(first), ...places]);
  const set = createInstanceSet(pool, {
    ...more,
    system,
    async ask({ text }) {
      asked.push(text);
      const kind = sick.get(text);
      return kind === undefined ? undefined : { kind, why: `${text} is ${kind}.` };
    },
    onLost: (place) => log.push(`nobody at ${place.text}`),
    onEjected: ({ why, here, of }) => log.push(`${why} ${here}/${of}`),
    onReturned: ({ instance, away, here, of }) => log.push(`${instance} back after ${away}, ${here}/${of}`),
  });
  const find = (text: string): Instance => set.all.find((one) => one.text === text)!;
  const suffer = (text: string, kind: Trouble['kind']): void => set.trouble(find(text), { kind, why: `${kind}.` });
  /** Who gets how many of so many requests, of which all stay. */
  const spread = (requests: number): Record<string, number> => {
    for (let index = 0; index < requests; index++) set.choose().inFlight++;
    const counts = Object.fromEntries(set.all.map(({ text, inFlight }) => [text, inFlight]));
    for (const instance of set.all) instance.inFlight = 0;
    return counts;
  };
  return { system, set, pool, sick, asked, log, find, suffer, spread };
}

const A = 'http://a:8008';
const B = 'http://b:8008';

describe('one instance', () => {
  it('is asked nothing and never ejected: that is the business of who holds requests', async () => {
    const { system, set, suffer, asked, log } = setUp(A);
    for (const kind of ['unreachable', 'lost', 'lost', 'lost', 'silent', 'unwell'] as const) suffer(A, kind);
    await system.advance(60_000);
    expect([asked, set.only?.health.state, system.pending()]).toEqual([[], 'here', 0]);
    expect(new Set(log)).toEqual(new Set([`nobody at ${A}`]));
  });
});

describe('one instance for which others stand in', () => {
  it('is asked how it is, gets no requests while it cannot be reached, and is taken all the same where there is no other', async () => {
    const { system, set, sick, suffer, asked, log } = setUpWith({ replaceable: true }, A);
    expect(set.only).toBeUndefined();
    await system.advance(10_000);
    expect(asked).toEqual([A, A]);
    sick.set(A, 'unreachable');
    suffer(A, 'unreachable');
    expect(set.hasOther(new Set())).toBe(false);
    expect(set.choose().text).toBe(A);
    expect(set.choose(undefined, 'key').text).toBe(A);
    sick.delete(A);
    await system.advance(2_000);
    expect(set.hasOther(new Set())).toBe(true);
    expect(log.filter((line) => !line.startsWith('nobody'))).toEqual(['unreachable. 0/1', `${A} back after 1000, 1/1`]);
  });

  it('stays while it merely hangs: what is too much for it is too much for others', async () => {
    const { system, set, sick } = setUpWith({ replaceable: true }, A);
    sick.set(A, 'silent');
    await system.advance(60_000);
    expect(set.hasOther(new Set())).toBe(true);
  });
});

describe('a key', () => {
  const KEYS = Array.from({ length: 200 }, (_, index) => `key ${index}`);
  const spreadKeys = ({ set }: ReturnType<typeof setUp>, tried?: ReadonlySet<Instance>): readonly string[] =>
    KEYS.map((key) => set.choose(tried, key).text);

  it('goes to the same instance however busy it is, and elsewhere only while that cannot be had', async () => {
    const setting = setUp(A, B, 'http://c:8008');
    const { system, set, sick, suffer, find } = setting;
    const before = spreadKeys(setting);
    expect(new Set(before).size).toBe(3);
    find(A).inFlight = 1_000;
    expect(spreadKeys(setting)).toEqual(before);
    sick.set(B, 'unreachable');
    suffer(B, 'unreachable');
    const without = spreadKeys(setting);
    expect(without.filter((text, index) => text !== before[index] && before[index] !== B)).toEqual([]);
    expect(without).not.toContain(B);
    expect(spreadKeys(setting, new Set([find(A)]))).not.toContain(A);
    sick.delete(B);
    await system.advance(3_000);
    const some = spreadKeys(setting).filter((text) => text === B).length;
    await system.advance(5_000);
    const more = spreadKeys(setting).filter((text) => text === B).length;
    await system.advance(10_000);
    expect(spreadKeys(setting)).toEqual(before);
    const all = before.filter((text) => text === B).length;
    expect([some < more, more < all, set.all.length]).toEqual([true, true, 3]);
  });

  it('has an instance also while all that there are have just come back', () => {
    const setting = setUp(A, B);
    const { set, suffer, find } = setting;
    for (const text of [A, B]) suffer(text, 'unreachable');
    for (const text of [A, B]) set.good(find(text), true);
    expect(new Set(spreadKeys(setting))).toEqual(new Set([A, B]));
  });

  it('counts only where it has been at this upstream, not where others stood in', () => {
    const { set } = setUp(A);
    const elsewhere = setUp(B, 'http://c:8008').set.all;
    expect(set.hasOther(new Set(elsewhere))).toBe(true);
    expect(set.hasOther(new Set([...elsewhere, set.all[0]!]))).toBe(false);
  });
});

describe('several instances', () => {
  it('share the requests', () => {
    const { spread } = setUp(A, B);
    expect(spread(100)).toEqual({ [A]: 50, [B]: 50 });
  });

  it('are each asked every five seconds how they are, and not after the end', async () => {
    const { system, set, asked } = setUp(A, B);
    await system.advance(20_000);
    expect(asked.filter((text) => text === A)).toHaveLength(4);
    expect(asked.filter((text) => text === B)).toHaveLength(4);
    set.close();
    await system.advance(20_000);
    expect([asked.length, system.pending()]).toEqual([8, 0]);
  });

  it('do without one that cannot be reached until it answers, and say so once each', async () => {
    const { system, set, sick, suffer, log, spread } = setUp(A, B);
    sick.set(B, 'unreachable');
    suffer(B, 'unreachable');
    suffer(B, 'unreachable');
    await system.advance(3_500);
    expect(spread(10)).toEqual({ [A]: 10, [B]: 0 });
    expect(set.hasOther(new Set([set.all[0]!]))).toBe(false);
    sick.delete(B);
    await system.advance(1_000);
    expect(set.hasOther(new Set([set.all[0]!]))).toBe(true);
    const lines = log.filter((line) => !line.startsWith('nobody'));
    expect(lines).toEqual(['unreachable. 1/2', `${B} back after 4000, 2/2`]);
  });

  it('do without one that is hung, within twelve seconds', async () => {
    const { system, sick, log, spread } = setUp(A, B);
    sick.set(B, 'silent');
    await system.advance(12_000);
    expect(spread(10)).toEqual({ [A]: 10, [B]: 0 });
    expect(log).toContain(`${B} is silent. 1/2`);
  });

  it('keep the last one however slow it is', async () => {
    const { system, sick, set, spread } = setUp(A, B);
    sick.set(A, 'silent').set(B, 'silent');
    await system.advance(60_000);
    expect(set.all.filter(({ health }) => health.state === 'here')).toHaveLength(1);
    expect(Object.values(spread(10)).sort()).toEqual([0, 10]);
  });

  it('are all gone when none can be reached; then any is as good', async () => {
    const { suffer, set, spread } = setUp(A, B);
    suffer(A, 'unreachable');
    suffer(B, 'unreachable');
    expect(set.hasOther(new Set())).toBe(false);
    expect(spread(10)).toEqual({ [A]: 5, [B]: 5 });
    expect(set.choose(new Set([set.all[0]!])).text).toBe(B);
  });

  it('do not take back one whose old requests are still answered', () => {
    const { suffer, set, find } = setUp(A, B);
    suffer(B, 'unreachable');
    set.good(find(B), false);
    expect(find(B).health.state).toBe('ejected');
    set.good(find(B), true);
    expect(find(B).health.state).toBe('here');
  });

  it('lead a request that has failed at one to another', () => {
    const { set } = setUp(A, B, 'http://c:8008');
    const tried = new Set([set.all[0]!, set.all[2]!]);
    const chosen = Array.from({ length: 20 }, () => set.choose(tried).text);
    expect(new Set(chosen)).toEqual(new Set([B]));
  });

  it('close the idle connections to one that is ejected', () => {
    const { suffer, find } = setUp(A, B);
    let closed = 0;
    find(B).idle.push({ destroy: () => closed++ }, { destroy: () => closed++ });
    suffer(B, 'unreachable');
    expect([closed, find(B).idle.length]).toEqual([2, 0]);
  });
});

it('the share of one that came back grows over ten seconds', async () => {
  const { system, set, sick, suffer, find } = setUp(A, B);
  sick.set(B, 'unreachable');
  suffer(B, 'unreachable');
  await system.advance(5_000);
  sick.delete(B);
  const leaving: { at: number; from: Instance }[] = [];
  const shares: number[] = [];
  // A request every 5 ms, each for 200 ms: forty at a time.
  for (let second = 0; second < 14; second++) {
    const counts = new Map<string, number>();
    for (let step = 0; step < 200; step++) {
      const now = system.monotonic();
      while (leaving[0] !== undefined && leaving[0].at <= now) leaving.shift()!.from.inFlight--;
      const chosen = set.choose();
      chosen.inFlight++;
      leaving.push({ at: now + 200, from: chosen });
      counts.set(chosen.text, (counts.get(chosen.text) ?? 0) + 1);
      await system.advance(5);
    }
    shares.push((counts.get(B) ?? 0) / 200);
  }
  const back = shares.findIndex((share) => share > 0);
  expect(find(B).health.late).toBe(true);
  expect(shares[back + 1]).toBeGreaterThan(0.08);
  expect(shares[back + 1]).toBeLessThan(0.25);
  expect(shares[back + 4]).toBeGreaterThan(shares[back + 1]!);
  expect(shares[back + 4]).toBeLessThan(0.4);
  expect(shares[back + 8]).toBeGreaterThan(shares[back + 4]!);
  expect(shares.at(-1)).toBeCloseTo(0.5, 1);
}, 20_000);

describe('a name', () => {
  it('with several addresses is several instances, equal from the start', async () => {
    const { set, pool, spread } = setUp(A);
    const first = set.only!;
    set.learn(pool.instances[0], addresses('10.0.0.1', '10.0.0.2', '10.0.0.3'));
    expect(set.all[0]).toBe(first);
    expect(spread(30)).toEqual({ [`${A} (10.0.0.1)`]: 10, [`${A} (10.0.0.2)`]: 10, [`${A} (10.0.0.3)`]: 10 });
  });

  it('with one address is one instance wherever it leads, and keeps its idle connections', () => {
    const { set, pool } = setUp(A);
    const idle = { destroy: () => expect.unreachable() };
    set.only!.idle.push(idle);
    set.learn(pool.instances[0], addresses('10.0.0.1'));
    set.learn(pool.instances[0], addresses('10.0.0.9'));
    expect([set.only?.text, set.only?.address, set.only?.idle]).toEqual([A, '10.0.0.9:8008', [idle]]);
  });

  it('that gets another address has one more instance, which begins with a small share', async () => {
    const { set, pool, system, asked } = setUp(A);
    set.learn(pool.instances[0], addresses('10.0.0.1'));
    await system.advance(60_000);
    expect(asked).toEqual([]);
    set.learn(pool.instances[0], addresses('10.0.0.1', '10.0.0.2'));
    expect(set.all.map(({ health }) => health.late)).toEqual([false, true]);
    await system.advance(6_000);
    expect(asked).toEqual([`${A} (10.0.0.1)`, `${A} (10.0.0.2)`]);
  });

  it('that loses addresses loses those instances, and the last one is asked nothing any more', async () => {
    const { set, pool, system, asked, suffer } = setUp(A);
    set.learn(pool.instances[0], addresses('10.0.0.1', '10.0.0.2'));
    const [first, second] = set.all;
    suffer(second!.text, 'unreachable');
    set.learn(pool.instances[0], addresses('10.0.0.2'));
    expect([first!.gone, set.only === second, second!.health.state]).toEqual([true, true, 'here']);
    await system.advance(60_000);
    expect(asked).toEqual([]);
  });

  it('beside other places changes its own instances only', () => {
    const { set, pool } = setUp(A, B);
    set.learn(pool.instances[1]!, addresses('10.0.0.1', '10.0.0.2'));
    expect(set.all.map(({ text }) => text)).toEqual([A, `${B} (10.0.0.1)`, `${B} (10.0.0.2)`]);
    set.learn(pool.instances[1]!, addresses('10.0.0.2'));
    expect(set.all.map(({ text }) => text)).toEqual([A, B]);
  });

  it('is distrusted when nobody answers at any of its addresses', () => {
    const { set, pool, suffer, log } = setUp(A);
    set.learn(pool.instances[0], addresses('10.0.0.1', '10.0.0.2'));
    suffer(`${A} (10.0.0.1)`, 'unreachable');
    expect(log).toEqual(['unreachable. 1/2']);
    suffer(`${A} (10.0.0.2)`, 'unreachable');
    expect(log.slice(1)).toEqual([`nobody at ${A}`, 'unreachable. 0/2']);
  });
});
