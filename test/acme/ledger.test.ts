import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyLedger,
  LEDGER_BOUNDS,
  type Ledger,
  parseLedger,
  pruneLedger,
  serialiseLedger,
} from '../../src/acme/ledger.ts';
import { viewChallenges, viewTries, viewUnresolved } from '../../src/acme/ledger-views.ts';
import {
  recordAbandoned,
  recordFailure,
  recordLost,
  recordOrder,
  recordOrderUrl,
  recordSuccess,
  recordTakeover,
} from '../../src/acme/record-order.ts';
import { recordRequest } from '../../src/acme/record-request.ts';
import { settleClock } from '../../src/acme/settle-clock.ts';
import { DAY, HOUR, key, MINUTE, middle, problem, T0 } from './ledger-facts.ts';

const order = (ledger: Ledger, now = T0, more = {}) => recordOrder(ledger, { ...key(), ...more }, now, middle);
const fail = (ledger: Ledger, id: number | undefined, type: string, now = T0, more = {}) =>
  recordFailure(ledger, { ...key(), order: id, problem: problem(type), ...more }, now, middle);
const round = (ledger: Ledger) => parseLedger(serialiseLedger(ledger), T0).ledger;

describe('what the ledger records', () => {
  it('counts an order as a failure, with its wait, until it is known how it ended', () => {
    const { ledger, id } = order(emptyLedger());
    expect(viewUnresolved(ledger)).toMatchObject([{ id, outcome: 'unresolved', at: T0 }]);
    expect(viewTries(ledger, key().set, key().ca)).toMatchObject({ failures: 1, since: T0, next: { at: T0 + MINUTE } });
  });

  it('forgets failures of the set and its names with a success, and remembers what worked', () => {
    let ledger = fail(order(emptyLedger()).ledger, 1, 'connection', T0, {
      challenges: [{ name: 'example.com', type: 'http-01' }],
    });
    expect(ledger.names.map(({ name, failures }) => [name, failures])).toEqual([
      ['example.com', 1],
      ['matrix.example.com', 1],
    ]);
    const again = order(ledger, T0 + HOUR);
    ledger = recordSuccess(
      again.ledger,
      { ...key(), order: again.id, challenges: [{ name: 'example.com', type: 'tls-alpn-01' }] },
      T0 + HOUR,
    );
    expect(viewTries(ledger, key().set, key().ca)).toEqual({
      ...{ set: key().set, ca: key().ca, failures: 0, caFailures: 0, ourFailures: 0, unknown: 0 },
      ...{ lastAt: T0 + HOUR, succeededAt: T0 + HOUR },
    });
    expect(ledger.names).toEqual([]);
    expect(viewChallenges(ledger, 'example.com')).toEqual([
      { name: 'example.com', type: 'http-01', failedAt: T0 },
      { name: 'example.com', type: 'tls-alpn-01', workedAt: T0 + HOUR },
    ]);
  });

  it('counts an attempt once, whether it failed before or after there was an order', () => {
    let ledger = fail(emptyLedger(), undefined, 'serverInternal');
    expect(viewTries(ledger, key().set, key().ca).failures).toBe(1);
    const second = order(ledger, T0 + MINUTE);
    ledger = fail(second.ledger, second.id, 'serverInternal', T0 + MINUTE);
    expect(viewTries(ledger, key().set, key().ca)).toMatchObject({
      failures: 2,
      caFailures: 2,
      caSince: T0,
      since: T0,
    });
    expect(viewUnresolved(ledger)).toEqual([]);
  });

  it('counts two orders of one attempt as one failure', () => {
    const first = order(emptyLedger());
    const between = recordAbandoned(first.ledger, first.id, T0 + 1, ['example.com']);
    const second = order(between, T0 + 2, { continues: true });
    expect(viewTries(second.ledger, key().set, key().ca).failures).toBe(1);
    expect(second.ledger.orders.map(({ outcome, failedNames }) => [outcome, failedNames])).toEqual([
      ['abandoned', ['example.com']],
      ['unresolved', []],
    ]);
    expect(second.ledger.names).toMatchObject([{ name: 'example.com', failures: 1 }]);
  });

  it('lets no way to fail wait for another: neither an outage nor being killed makes the rest slow', () => {
    let ledger = emptyLedger();
    for (let n = 0; n < 50; n++) ledger = fail(ledger, undefined, 'serverInternal', T0 + n);
    const nextAfter = (of: Ledger) => viewTries(of, key().set, key().ca).next!.at - (T0 + HOUR);
    const killed = order(ledger, T0 + HOUR);
    expect(nextAfter(killed.ledger)).toBe(MINUTE);
    expect(nextAfter(order(killed.ledger, T0 + HOUR).ledger)).toBe(2 * MINUTE);
    const invalid = fail(killed.ledger, killed.id, 'dns', T0 + HOUR);
    expect(nextAfter(invalid)).toBe(MINUTE);
    expect(nextAfter(fail(invalid, undefined, 'dns', T0 + HOUR))).toBe(2 * MINUTE);
    expect(nextAfter(order(invalid, T0 + HOUR).ledger)).toBe(MINUTE);
  });

  it('begins to count the failures of the CA anew when something else fails', () => {
    const ledger = fail(fail(emptyLedger(), undefined, 'serverInternal'), undefined, 'connection', T0 + HOUR);
    expect(viewTries(ledger, key().set, key().ca)).toMatchObject({ failures: 2, caFailures: 0 });
    expect(viewTries(ledger, key().set, key().ca).caSince).toBeUndefined();
  });

  it('counts only the names that the CA named', () => {
    const about = { type: 'dns' as const, value: 'matrix.example.com' };
    const compound = problem('compound', { subproblems: [problem('dns', { identifier: about })] });
    const { ledger, id } = order(emptyLedger());
    const after = recordFailure(ledger, { ...key(), order: id, problem: compound }, T0, middle);
    expect(after.names.map(({ name }) => name)).toEqual(['matrix.example.com']);
    expect(after.orders[0]!.failedNames).toEqual(['matrix.example.com']);
  });

  it('forgives a name one failure a day', () => {
    let ledger = emptyLedger();
    for (let failures = 0; failures < 5; failures++) ledger = fail(ledger, undefined, 'dns');
    ledger = fail(ledger, undefined, 'dns', T0 + 3 * DAY);
    expect(ledger.names[0]!.failures).toBe(3);
  });

  it('leaves an order open whose end is not known once it was finalised, and counts the failure', () => {
    const { ledger, id } = order(emptyLedger());
    const cut = fail(ledger, id, 'connection-cut', T0 + MINUTE, { finalised: true });
    expect(viewUnresolved(cut)).toHaveLength(1);
    expect(viewTries(cut, key().set, key().ca)).toMatchObject({ failures: 1, caFailures: 1, unknown: 0 });
    expect(viewUnresolved(fail(ledger, id, 'badCSR', T0 + MINUTE, { finalised: true }))).toEqual([]);
  });

  it('takes over: gives up what never got a URL, asks about the rest, and counts what was lost', () => {
    const first = order(emptyLedger());
    const second = order(recordOrderUrl(first.ledger, first.id, 'https://ca.example/order/1'), T0 + MINUTE);
    const { ledger, ask } = recordTakeover(second.ledger, T0 + HOUR);
    expect(ask.map(({ id }) => id)).toEqual([first.id]);
    expect(ledger.orders.map(({ outcome }) => outcome)).toEqual(['unresolved', 'abandoned']);
    const lost = recordLost(ledger, first.id, T0 + HOUR);
    expect(lost.orders[0]).toMatchObject({ outcome: 'issued', endedAt: T0 + HOUR });
    expect(viewTries(lost, key().set, key().ca).failures).toBe(2);
    expect(recordTakeover(lost, T0 + HOUR)).toEqual({ ledger: lost, ask: [] });
  });

  it("keeps an order's URL, so that a successor can ask how it ended", () => {
    const { ledger, id } = order(emptyLedger());
    expect(viewUnresolved(recordOrderUrl(ledger, id, 'https://ca.example/order/7'), key().set)).toMatchObject([
      { url: 'https://ca.example/order/7' },
    ]);
    expect(viewUnresolved(ledger, 'another-set')).toEqual([]);
  });

  it("keeps the CA's words, cut to a bearable length", () => {
    const long = problem('dns', { detail: 'x'.repeat(100_000) });
    const ledger = recordFailure(emptyLedger(), { ...key(), order: undefined, problem: long }, T0, middle);
    expect(viewTries(ledger, key().set, key().ca).problem!.detail).toHaveLength(500);
    expect(serialiseLedger(ledger).length).toBeLessThan(3_000);
  });

  it.each([
    ['exact set', 'too many certificates (5) already issued for this exact set of identifiers', { set: key().set }],
    ['failed', 'too many failed authorizations (5) for "example.com" in the last 1h0m0s', { set: key().set }],
    [
      'domain',
      'too many certificates (50) already issued for "example.com" in the last 168h',
      { domain: 'example.com' },
    ],
    ['account', 'too many new orders (300) from this account in the last 3h0m0s', { account: key().account }],
  ])('blocks what a rate limit is about: %s', (_, detail, scope) => {
    const limited = { ...key(), order: undefined, problem: problem('rateLimited', { detail }), retryAfter: 7_200 };
    const { blocks } = recordFailure(emptyLedger(), limited, T0, middle);
    expect(blocks).toHaveLength(1);
    expect(blocks[0]).toMatchObject({ ca: key().ca, ...scope, paused: false });
    expect(blocks[0]!.until).toBeGreaterThanOrEqual(T0 + 2 * HOUR);
    expect(blocks[0]!.until).toBeLessThan(T0 + 2 * HOUR + 2 * MINUTE);
  });

  it('lifts pauses and waits, and not the dates of the CA, when the operator acts', () => {
    const detail = 'Your account is temporarily prevented from requesting certificates for example.com.';
    let ledger = fail(emptyLedger(), undefined, 'x', T0, { problem: problem('rateLimited', { detail }) });
    ledger = fail(ledger, undefined, 'x', T0, { problem: problem('rateLimited'), retryAfter: 600 });
    expect(ledger.blocks.map(({ paused }) => paused)).toEqual([true, false]);
    const acted = recordRequest(ledger, key().set, key().names);
    expect(acted.blocks.map(({ paused }) => paused)).toEqual([false]);
    expect(viewTries(acted, key().set, key().ca).next).toBeUndefined();
  });

  it('brings back to now what was written while the clock was ahead', () => {
    const ahead = T0 + 400 * DAY;
    const { ledger } = order(emptyLedger(), ahead);
    const settled = settleClock(fail(ledger, 1, 'rateLimited', ahead, { retryAfter: 3_600 }), T0);
    expect(settled.orders[0]).toMatchObject({ at: T0, endedAt: T0 });
    expect(viewTries(settled, key().set, key().ca)).toMatchObject({ lastAt: T0, since: T0 });
    expect(settled.blocks[0]!.until).toBeLessThanOrEqual(T0 + 30 * DAY);
    expect(settleClock(settled, T0 + 1)).toEqual(settled);
  });
});

it('a wait that was decided while the clock was ahead is as long as it was meant to be, once that is right', () => {
  const ahead = T0 + 20 * DAY;
  const { ledger } = order(emptyLedger(), ahead);
  const { next } = viewTries(settleClock(ledger, T0), key().set, key().ca);
  expect(next?.at).toBe(T0 + MINUTE);
  // One that was decided by a clock that was right stays.
  const right = order(emptyLedger(), T0).ledger;
  expect(settleClock(right, T0 + 1)).toEqual(right);
});

describe('the ledger in the store', () => {
  it('is empty where there is none', () => {
    expect(parseLedger(undefined, T0)).toEqual({ ledger: emptyLedger(), note: undefined });
  });

  it.each([
    ['nothing', ''],
    ['half of one', '{"version":1,"nextOrder":'],
    ['something else', '[]'],
    ['another version', '{"version":2}'],
    ['a wrong type inside', JSON.stringify({ ...emptyLedger(), orders: [{ id: 'x' }] })],
    [
      'an instant that is none',
      JSON.stringify({
        ...emptyLedger(),
        names: [{ ...{ ca: '', account: '', name: '', failures: 0 }, failedAt: 1e300 }],
      }),
    ],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00])],
  ])('that is %s gives a fresh one that is careful and says so', (_, bytes) => {
    const { ledger, note } = parseLedger(Buffer.from(bytes), T0);
    expect(ledger).toMatchObject({ orders: [], careful: { from: T0, until: T0 + 7 * DAY } });
    expect(note).toMatch(/could not be read .* kept rare for a week/);
    expect(round(ledger)).toEqual(ledger);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (bytes) => {
          expect(parseLedger(bytes, T0).ledger.version).toBe(1);
        },
      ),
    );
  });

  it('comes back as it was, whatever happened', () => {
    const step = fc.record({
      kind: fc.constantFrom('order', 'success', 'failure', 'early', 'abandon', 'url', 'operator'),
      type: fc.constantFrom('dns', 'caa', 'rateLimited', 'serverInternal', 'unauthorized', '__proto__', 'toString'),
      after: fc.integer({ min: -2 * DAY, max: 20 * DAY }),
      set: fc.constantFrom('a', 'b'),
      retryAfter: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
      dice: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let ledger = emptyLedger();
        let now = T0;
        for (const { kind, type, after, set, retryAfter, dice } of steps) {
          now += after;
          const of = key({ set, names: [`${set}.example`] });
          const id = ledger.nextOrder - 1;
          const said = { ...of, problem: problem(type), retryAfter };
          if (kind === 'order') ledger = recordOrder(ledger, of, now, () => dice).ledger;
          if (kind === 'success') ledger = recordSuccess(ledger, { ...of, order: id }, now);
          if (kind === 'failure') ledger = recordFailure(ledger, { ...said, order: id }, now, () => dice);
          if (kind === 'early') ledger = recordFailure(ledger, { ...said, order: undefined }, now, () => dice);
          if (kind === 'abandon') ledger = recordAbandoned(ledger, id, now);
          if (kind === 'url') ledger = recordOrderUrl(ledger, id, 'https://ca.example/order/1');
          if (kind === 'operator') ledger = recordRequest(ledger, set, of.names);
          expect(parseLedger(serialiseLedger(ledger), now)).toEqual({ ledger, note: undefined });
        }
      }),
    );
  });

  it('forgets what no limit asks for any more', () => {
    let ledger = emptyLedger();
    for (let n = 0; n < 300; n++) ledger = order(ledger, T0 + n * DAY).ledger;
    expect(ledger.orders).toHaveLength(100);
    expect(ledger.orders.at(-1)!.at).toBe(T0 + 299 * DAY);
  });

  it('forgets nothing of a small set-up when the clock jumps ahead', () => {
    const { ledger } = order(emptyLedger());
    expect(order(ledger, T0 + 5_000 * DAY).ledger.orders).toHaveLength(2);
  });

  it('stays within its bounds, and gives up orders without a certificate first', () => {
    const orders = Array.from({ length: LEDGER_BOUNDS.orders + 10 }, (_, id) => ({
      ...{ ...key(), id, at: T0 + id, endedAt: T0 + id, failedNames: [] },
      outcome: id % 100 === 7 ? ('issued' as const) : ('failed' as const),
    }));
    const blocks = Array.from({ length: 900 }, (_, n) => ({ ca: `${n}`, until: T0 + DAY + n, why: '', paused: false }));
    const pruned = pruneLedger({ ...emptyLedger(), orders, blocks }, T0 + HOUR);
    expect(pruned.orders).toHaveLength(LEDGER_BOUNDS.orders);
    expect(pruned.orders[0]!.id).toBe(7);
    expect(pruned.blocks).toHaveLength(LEDGER_BOUNDS.blocks);
    expect(pruneLedger({ ...emptyLedger(), blocks }, T0 + 3 * DAY).blocks).toEqual([]);
  });
});
