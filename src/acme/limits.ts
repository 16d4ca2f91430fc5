import type { CaLimits, Window } from './ca-limits.ts';
import { describeInstant, describeSpan } from './describe-time.ts';
import { type Block, LEDGER_BOUNDS, LEDGER_REMEMBERS, type Ledger, type LedgerOrder, mayBeIssued } from './ledger.ts';
import type { OrderKey } from './record-order.ts';
import { registeredDomain } from './registered-domain.ts';
import type { RenewalNeed } from './renewal.ts';

const HOUR = 3_600_000;
/** A certificate may still come of an unresolved order for this long (an order lives for hours at most CAs). */
const ORDER_MAY_RUN = HOUR;
/** The first wait after a ledger was lost: whatever loses it at every start then never orders at all. */
const CAREFUL_WAIT = HOUR;
/** This part of the failures in a row that a CA allows is never used: a pause is lifted by hand only. */
const RESERVE = 0.05;
/** Certificates of a set that may replace each other in the time in which a CA's limit lets one more: never many at once. */
const EXEMPT_AT_ONCE = 2;
/** What those before their time leave of the CA's limit, for an order that is not exempt: after one was lost, say. */
const EXEMPT_LEAVE = 2;

/** Whether an order may be placed. */
export interface OrderPermission {
  readonly allowed: boolean;
  readonly why: string;
  /** Now where it is allowed; else the instant from which it may be, as far as the ledger knows now. */
  readonly nextAllowedAt: number;
}

interface Obstacle {
  readonly until: number;
  readonly why: string;
}

/** An order that might be placed. */
export interface PlannedOrder extends OrderKey {
  /** The ARI id of the certificate that it replaces. */
  readonly replaces?: string | undefined;
  /** `due` where it is not a renewal. */
  readonly need?: RenewalNeed;
}

/**
 * Whether the CA's published limits, the dates that it named and its pauses leave room for one more order now. Windows
 * slide: at most so many in any span of that length; only an urgent order may use what the CA's buckets have refilled
 * since. An order that `replaces` a certificate (RFC 9773, 5) is exempt from the CA's limits while that certificate was
 * not replaced before; limits of our own, narrower than the CA's per set, then keep a CA that always asks for a renewal
 * from getting one every time. Failed validations count for every order.
 */
export function mayOrder(ledger: Ledger, order: PlannedOrder, now: number, limits: CaLimits): OrderPermission {
  const exempt = order.replaces !== undefined && !wasReplaced(ledger, order.ca, order.replaces);
  const view = viewWindows(ledger, order, now, limits);
  const obstacles = [
    ...blocked(ledger, order, now),
    ...full(ledger, now),
    ...view.afterLoss,
    ...validationLimits(ledger, order, view),
    ...(exempt ? exemptLimits(order, view) : certificateLimits(order, view)),
  ];
  const worst = obstacles.reduce<Obstacle | undefined>(
    (a, b) => (a === undefined || b.until > a.until ? b : a),
    undefined,
  );
  if (worst === undefined) {
    const why = exempt
      ? 'It replaces a certificate, which the CA does not count.'
      : `The limits of ${limits.ca} leave room.`;
    return { allowed: true, why, nextAllowedAt: now };
  }
  const why = `No order for ${order.names.join(', ')} before ${describeInstant(worst.until)}: ${worst.why}.`;
  return { allowed: false, why, nextAllowedAt: worst.until };
}

function wasReplaced(ledger: Ledger, ca: string, certificate: string): boolean {
  return ledger.orders.some((one) => one.ca === ca && one.replaces === certificate && mayBeIssued(one));
}

function blocked(ledger: Ledger, order: OrderKey, now: number): Obstacle[] {
  const concerns = (block: Block) =>
    block.ca === order.ca &&
    (block.account === undefined || block.account === order.account) &&
    (block.set === undefined || block.set === order.set) &&
    (block.names === undefined || block.names.some((name) => order.names.includes(name))) &&
    (block.domain === undefined || order.names.some((name) => `.${name}`.endsWith(`.${block.domain}`)));
  return ledger.blocks
    .filter((block) => block.until > now && concerns(block))
    .map(({ until, why }) => ({ until, why }));
}

/** A ledger that can hold no more orders cannot count any more. */
function full(ledger: Ledger, now: number): Obstacle[] {
  const held = { count: LEDGER_BOUNDS.orders, per: LEDGER_REMEMBERS };
  return slide(ledger.orders.filter(mayBeIssued).map(countedAt), held, now, 'the ledger can hold no more orders');
}

/** What the checks of one order have in common. */
interface Windows {
  readonly now: number;
  readonly limits: CaLimits;
  /** Orders at this CA, and those of them with this account, that a window can still hold. */
  readonly ofCa: readonly LedgerOrder[];
  readonly ofAccount: readonly LedgerOrder[];
  /** Those that may have given certificates for exactly these names. */
  readonly ofSet: readonly LedgerOrder[];
  /** What is in the way because an earlier ledger was lost. */
  readonly afterLoss: readonly Obstacle[];
  readonly isCareful: boolean;
  check(window: Window, times: readonly number[], what: string): Obstacle[];
}

function viewWindows(ledger: Ledger, order: OrderKey, now: number, limits: CaLimits): Windows {
  const { careful } = ledger;
  const isCareful = careful !== undefined && now < careful.until;
  const waitUntil = isCareful ? careful.from + CAREFUL_WAIT : now;
  const waitWhy = `${careful?.why}, so nothing is ordered in the first hour`;
  const ofCa = ledger.orders.filter((one) => one.ca === order.ca && countedAt(one) > now - LEDGER_REMEMBERS);
  return {
    ...{ now, limits, ofCa, isCareful },
    ofAccount: ofCa.filter((one) => one.account === order.account),
    ofSet: ofCa.filter((one) => one.set === order.set && mayBeIssued(one)),
    afterLoss: waitUntil > now ? [{ until: waitUntil, why: waitWhy }] : [],
    check(window, times, what) {
      // As if all were used up when the ledger was lost: then no more than refills, one after the other.
      const used = isCareful ? { count: 1, per: window.per / window.count } : window;
      const suffix = isCareful ? `, and fewer for now, for ${careful.why}` : '';
      return slide(times, used, now, `${limits.ca} allows ${describeWindow(window, what)}${suffix}`);
    },
  };
}

function exemptLimits(order: PlannedOrder, { ofSet, limits, now }: Windows): Obstacle[] {
  const { count, per } = limits.certificatesPerSet;
  const atOnce = { count: EXEMPT_AT_ONCE, per: per / count };
  const lasting = { count: Math.max(1, count - EXEMPT_LEAVE), per };
  return (order.need === 'advised' ? [atOnce, lasting] : [atOnce]).flatMap((window) => {
    const why = `${describeWindow(window, 'certificates for exactly these names')} are enough where they replace each other`;
    return slide(ofSet.map(countedAt), window, now, why);
  });
}

function certificateLimits(order: PlannedOrder, view: Windows): Obstacle[] {
  const { ofSet, ofCa, ofAccount, limits, now } = view;
  const domains = [...new Set(order.names.map(registeredDomain))];
  const under = (domain: string) =>
    ofCa.filter((one) => mayBeIssued(one) && one.names.some((name) => registeredDomain(name) === domain));
  const times = ofSet.map(countedAt);
  const perSet = view.check(limits.certificatesPerSet, times, 'certificates for exactly these names');
  const useRefill = order.need === 'urgent' && !view.isCareful;
  return [
    ...(useRefill ? perSet.flatMap(({ why }) => refill(times, limits.certificatesPerSet, now, why)) : perSet),
    ...domains.flatMap((domain) =>
      view.check(limits.certificatesPerDomain, under(domain).map(countedAt), `certificates under ${domain}`),
    ),
    ...view.check(
      limits.ordersPerAccount,
      ofAccount.map((one) => one.at),
      'orders of one account',
    ),
  ];
}

function validationLimits(ledger: Ledger, order: OrderKey, view: Windows): Obstacle[] {
  const { ofAccount, limits, now } = view;
  const failedFor = (name: string) =>
    ofAccount.filter(
      (one) => one.failedNames.includes(name) || (one.outcome === 'unresolved' && one.names.includes(name)),
    );
  return order.names.flatMap((name) => [
    ...view.check(limits.failedAuthorizationsPerName, failedFor(name).map(countedAt), `failed validations of ${name}`),
    ...failuresInARow(ledger, order, name, now, limits),
  ]);
}

/** Near the number of failures in a row at which the CA pauses a name, no more are risked than it forgives. */
function failuresInARow(ledger: Ledger, order: OrderKey, name: string, now: number, limits: CaLimits): Obstacle[] {
  const { count, refill } = limits.failuresInARow;
  const record = ledger.names.find((one) => one.ca === order.ca && one.account === order.account && one.name === name);
  const most = Math.floor(count * (1 - RESERVE));
  if (record === undefined || record.failures < most) return [];
  const until = Math.min(record.failedAt, now) + (record.failures - most + 1) * refill;
  const why = `${name} failed ${record.failures} times in a row, and ${limits.ca} pauses a name for good after ${count}`;
  return until > now ? [{ until, why }] : [];
}

/** The instant that an order counts from: its end, for the CA counts the certificate; the latest where it is unknown. */
function countedAt(order: LedgerOrder): number {
  return order.endedAt ?? order.at + (order.outcome === 'unresolved' ? ORDER_MAY_RUN : 0);
}

/** What stands in the way of one more in a window: nothing, or the instant at which enough have left it. */
function slide(times: readonly number[], { count, per }: Window, now: number, why: string): Obstacle[] {
  const inside = times.filter((at) => at > now - per).sort((a, b) => a - b);
  if (inside.length < count) return [];
  return [{ until: Math.ceil(inside[inside.length - count]! + per), why }];
}

/**
 * What stands in the way of one more from a bucket of `count` that refills evenly in `per`; it is taken to have been
 * empty when the ledger's memory begins.
 */
function refill(times: readonly number[], { count, per }: Window, now: number, why: string): Obstacle[] {
  let level = 0;
  let last = now - LEDGER_REMEMBERS;
  for (const at of [...times].map((time) => Math.min(time, now)).sort((a, b) => a - b)) {
    level = Math.max(0, Math.min(count, level + ((at - last) * count) / per) - 1);
    last = at;
  }
  level = Math.min(count, level + ((now - last) * count) / per);
  return level >= 1 ? [] : [{ until: now + Math.ceil(((1 - level) * per) / count), why }];
}

function describeWindow({ count, per }: Window, what: string): string {
  return `${count} ${what} in ${describeSpan(per)}`;
}
