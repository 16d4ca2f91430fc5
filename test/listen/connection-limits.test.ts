import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionFacts } from '../../src/base/connection.ts';
import { type ConnectionLimits, createConnectionLimits } from '../../src/listen/connection-limits.ts';

class Connection extends EventEmitter {
  readonly name: string;
  closed = false;
  constructor(name: string) {
    super();
    this.name = name;
  }
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    closed.push(this.name);
    queueMicrotask(() => this.emit('close'));
  }
}

const closed: string[] = [];
const refused: string[] = [];
let shed = 0;
let most = { total: 100, idle: 100, perClient: 100 };
let limits: ConnectionLimits;
beforeEach(() => {
  closed.length = 0;
  refused.length = 0;
  shed = 0;
  most = { total: 100, idle: 100, perClient: 100 };
  limits = createConnectionLimits(
    {
      total: () => most.total,
      idle: () => most.idle,
      perClient: () => most.perClient,
      isProxy: (address) => address === '10.0.0.1',
    },
    {
      onRefused: (limit, network) => void refused.push(`${limit} ${network ?? '?'}`),
      onShed: () => void shed++,
    },
  );
});

/** A connection from `address`; with `busy`, one with a request under way. */
function open(address: string, name = address, busy = false): { readonly connection: Connection; end(): void } {
  const connection = new Connection(name);
  const seat = limits.enter(connection);
  const facts = { listener: 'https' } as ConnectionFacts;
  let end = (): void => {};
  if (seat?.identify(address) === true) {
    seat.settle(facts);
    if (busy) end = limits.begin(facts);
  }
  return { connection, end };
}

describe('the total', () => {
  it('is kept by closing what has been idle longest', () => {
    most.total = 3;
    const first = open('192.0.2.1', 'a', true);
    open('192.0.2.2', 'b');
    open('192.0.2.3', 'c');
    open('192.0.2.4', 'd');
    expect(closed).toEqual(['b']);
    first.end();
    open('192.0.2.5', 'e');
    open('192.0.2.6', 'f');
    expect(closed).toEqual(['b', 'c', 'd']);
    expect([shed, limits.status]).toEqual([3, { open: 3, idle: 3 }]);
  });

  it('turns newcomers away only where nothing is idle', () => {
    most.total = 2;
    open('192.0.2.1', 'a', true);
    const second = open('192.0.2.2', 'b', true);
    open('192.0.2.3', 'c');
    expect([closed, refused, shed]).toEqual([['c'], ['total 192.0.2.3'], 0]);
    second.end();
    open('192.0.2.3', 'd', true);
    expect([closed, limits.status]).toEqual([['c', 'b'], { open: 2, idle: 0 }]);
  });

  it('holds, but for one, while nobody knows yet who the clients behind a load balancer are', () => {
    most.total = 3;
    const connections = Array.from({ length: 10 }, (_, index) => new Connection(String(index)));
    for (const connection of connections) limits.enter(connection);
    expect(limits.status.open).toBe(4);
    expect(closed).toEqual(['0', '1', '2', '3', '4', '5']);
  });
});

describe('idle connections', () => {
  it('are kept up to a number, those used last', () => {
    most.idle = 2;
    const used = [open('192.0.2.1', 'a', true), open('192.0.2.2', 'b', true), open('192.0.2.3', 'c', true)];
    expect(closed).toEqual([]);
    for (const { end } of used) end();
    expect(closed).toEqual(['a']);
  });

  it('of a network that has far more than others go first', () => {
    most = { total: 1_000, idle: 60, perClient: 1_000 };
    for (let index = 0; index < 20; index++) open(`192.0.2.${index}`, `a${index}`);
    for (let index = 0; index < 200; index++) open('198.51.100.1', `x${index}`);
    expect(closed).toEqual(Array.from({ length: 160 }, (_, index) => `x${index}`));
    open('192.0.2.30', 'b');
    expect(closed.at(-1)).toBe('a0');
  });

  it('of somebody who is alone with a crowd are safe from it', () => {
    most = { total: 78, idle: 1_000, perClient: 1_000 };
    open('192.0.2.1', 'mine');
    for (let index = 0; index < 500; index++) open('198.51.100.1', `x${index}`);
    expect(closed).toHaveLength(423);
    expect(closed).not.toContain('mine');
  });

  it('of one that has a few are not held against it when strangers come with one each', () => {
    most.idle = 60;
    for (let index = 0; index < 50; index++) open(`198.51.100.${index}`, `x${index}`);
    for (let index = 0; index < 10; index++) open('192.0.2.1', `a${index}`);
    for (let index = 0; index < 10; index++) open('192.0.2.1', `a${index + 10}`);
    expect(closed).toEqual(Array.from({ length: 10 }, (_, index) => `x${index}`));
  });

  it('are shed on request, the longest idle first', () => {
    for (const name of ['a', 'b', 'c']) open('192.0.2.1', name);
    limits.shed(2);
    expect(closed).toEqual(['a', 'b']);
    limits.shed(5);
    expect([closed, limits.status.open]).toEqual([['a', 'b', 'c'], 0]);
  });
});

describe('connections of one client', () => {
  it('are closed beyond their number, also with requests under way', () => {
    most.perClient = 2;
    open('192.0.2.1', 'a', true);
    open('192.0.2.1', 'b');
    open('192.0.2.1', 'c');
    open('192.0.2.2', 'd');
    expect([closed, refused]).toEqual([['c'], ['client 192.0.2.1']]);
  });

  it('are counted by /64 of IPv6, and an IPv4 address in either form is one', () => {
    most.perClient = 1;
    open('2001:db8::1', 'a');
    open('2001:db8::2', 'b');
    open('2001:db8:0:1::1', 'c');
    open('192.0.2.1', 'd');
    open('::ffff:192.0.2.1', 'e');
    expect(closed).toEqual(['b', 'e']);
  });

  it('are not counted where they are those of a proxy', () => {
    most.perClient = 1;
    for (let index = 0; index < 5; index++) open('10.0.0.1', `p${index}`);
    expect([closed, limits.status.open]).toEqual([[], 5]);
  });

  it('are given back when they close', async () => {
    most.perClient = 1;
    const { connection } = open('192.0.2.1', 'a', true);
    connection.destroy();
    await Promise.resolve();
    open('192.0.2.1', 'b');
    expect([closed, limits.status]).toEqual([['a'], { open: 1, idle: 1 }]);
  });
});

it('one connection may have several requests under way, and is idle after the last; ending one twice is nothing', () => {
  const connection = new Connection('a');
  const seat = limits.enter(connection)!;
  const facts = { listener: 'https' } as ConnectionFacts;
  seat.identify('192.0.2.1');
  seat.settle(facts);
  const ends = [limits.begin(facts), limits.begin(facts)];
  ends[0]!();
  ends[0]!();
  expect(limits.status.idle).toBe(0);
  ends[1]!();
  expect(limits.status.idle).toBe(1);
});

it('a request on a connection that is not counted, such as the admin listener has, is nobody else’s', () => {
  limits.begin({ listener: 'admin' } as ConnectionFacts)();
  expect(limits.status).toEqual({ open: 0, idle: 0 });
});

it('accounts stay right through any order of events', async () => {
  most = { total: 20, idle: 8, perClient: 7 };
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  let alive: ReturnType<typeof open>[] = [];
  for (let step = 0; step < 5_000; step++) {
    const what = random(3);
    if (what === 0) alive.push(open(`192.0.2.${random(6)}`, 'x', random(2) === 0));
    else if (what === 1) alive[random(alive.length || 1)]?.end();
    else alive[random(alive.length || 1)]?.connection.destroy();
    await Promise.resolve();
    alive = alive.filter(({ connection }) => !connection.closed);
    expect(limits.status.open).toBe(alive.length);
    expect(limits.status.open).toBeLessThanOrEqual(20);
    expect(limits.status.idle).toBeLessThanOrEqual(8);
  }
  for (const { connection } of alive) connection.destroy();
  await Promise.resolve();
  expect(limits.status).toEqual({ open: 0, idle: 0 });
});
