import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLedger } from '../../src/acme/ledger.ts';
import { LEDGER_KEY } from '../../src/acme/ledger-store.ts';
import { readCertificate } from '../../src/acme/stored-certificate.ts';
import { isThorough } from '../harness/thorough.ts';
import { type KeeperBench, openKeeperBench } from './keeper-bench.ts';
import type { KeeperLife } from './keeper-life.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench();
});
afterEach(() => bench.close());

const isKey = (key: string) => key.startsWith('acme/order-keys/');

/** The calls of one issuance, each by what it is and the how-manieth of its kind it is: `write acme/ledger.json 2`. */
async function listCalls(): Promise<string[]> {
  const opened = await openKeeperBench();
  try {
    const calls: string[] = [];
    const count = createCounter();
    await opened.start({ around: (when, what) => void (when === 'after' && calls.push(count(what))) });
    await opened.system.run(MINUTE);
    return calls;
  } finally {
    await opened.close();
  }
}

function createCounter(): (what: string) => string {
  const seen = new Map<string, number>();
  return (what) => {
    seen.set(what, (seen.get(what) ?? 0) + 1);
    return `${what} ${seen.get(what)}`;
  };
}

/** A process that is killed right after the call, and before the next; resolves once that has happened. */
async function killAfter(call: string): Promise<KeeperLife> {
  const count = createCounter();
  let killed = false;
  const life = await bench.start({
    around(when, what, self) {
      if (when !== 'after' || count(what) !== call) return;
      killed = true;
      self.kill();
    },
  });
  await bench.system.run(MINUTE, () => killed);
  expect(killed, call).toBe(true);
  await life.end();
  return life;
}

/** Of the CA's certificates, those that are served: by their serial numbers. */
function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber;
}

const isReal = (life: KeeperLife): boolean => life.keeper.status()[0]?.notAfter !== undefined;

describe('an order whose keeper is killed', () => {
  it('right after any of its steps is finished by the next keeper, with no other order', async () => {
    const calls = (await listCalls()).filter((call) => /^(write|newOrder|read|start|finalize|download)/.test(call));
    const steps = calls.filter((call) => !/^read (?!Order|Auth)/.test(call));
    expect(steps.length).toBeGreaterThan(10);
    // Every third of them, and those after which only the CA knows.
    const tried = steps.filter((step, index) => isThorough || index % 3 === 0 || /^(newOrder|finalize)/.test(step));
    for (const step of tried) {
      await bench.close();
      bench = await openKeeperBench();
      await killAfter(step);
      const next = await bench.start();
      await bench.system.run(HOUR);
      const { issued, made } = bench.scripted.orders;
      // The one order that nobody can know of: the CA had made it, and its URL was not stored yet.
      expect([step, made.length]).toEqual([step, step === 'newOrder 1' ? 2 : 1]);
      expect([step, issued.length]).toEqual([step, 1]);
      const held = await readCertificate(next.store, bench.set.id);
      expect(held?.certificate.leaf.serialNumber).toBe(serialOf(issued[0]!));
      expect(next.served(bench.set)?.fingerprint256).toBe(held?.certificate.fingerprint256);
      expect([step, (await next.store.list('')).filter(isKey)]).toEqual([step, []]);
      const { ledger } = parseLedger(await next.store.read(LEDGER_KEY), 0);
      expect(ledger.orders.filter(({ outcome }) => outcome === 'unresolved' || outcome === 'failed')).toEqual([]);
    }
  });

  it('and whose key is stored is finished at once, without waiting for the next attempt', async () => {
    await killAfter('finalize 1');
    const next = await bench.start();
    await bench.system.run(1_000, () => next.served(bench.set)?.notAfter !== undefined && isReal(next));
    expect(isReal(next)).toBe(true);
    expect(bench.scripted.orders.made).toHaveLength(1);
  });

  it('while the CA works on it is waited for', async () => {
    bench.scripted.rules.processingReads = 3;
    await killAfter('finalize 1');
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(isReal(next)).toBe(true);
    expect(bench.scripted.orders.made).toHaveLength(1);
  });

  it('and that the CA then gives up is one failure of its names', async () => {
    await killAfter('startChallenge 2');
    bench.scripted.script('order', {
      rewrite: (answer) => ({ ...answer, body: { ...(answer.body as object), status: 'invalid' } }),
    });
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(isReal(next)).toBe(true);
    expect(bench.scripted.orders.made).toHaveLength(2);
    const { orders } = parseLedger(await next.store.read(LEDGER_KEY), 0).ledger;
    expect(orders.map(({ outcome, failedNames }) => [outcome, failedNames])).toEqual([
      ['abandoned', bench.set.names],
      ['issued', []],
    ]);
  });

  it('and whose stored key is damaged is counted as lost, and one other order is made', async () => {
    const life = await killAfter('finalize 1');
    for (const key of (await life.store.list('')).filter(isKey)) await life.store.write(key, Buffer.from('{'));
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(isReal(next)).toBe(true);
    expect(bench.scripted.orders.made).toHaveLength(2);
    expect(bench.scripted.orders.issued).toHaveLength(2);
    expect((await next.store.list('')).filter(isKey)).toEqual([]);
  });

  it('again and again is gone on with no more often than the curve allows', async () => {
    for (let kills = 0; kills < 20; kills++) {
      let asked = 0;
      const life = await bench.start({
        around(when, what, self) {
          if (when === 'after' && what === 'startChallenge') {
            asked++;
            self.kill();
          }
        },
      });
      await bench.system.run(MINUTE, () => asked > 0);
      await life.end();
    }
    expect(bench.scripted.orders.made).toHaveLength(1);
    // In twenty minutes: at once, and after about 1, 3, 8 and 18 of them.
    expect(bench.scripted.count('challenge')).toBeLessThanOrEqual(5);
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(isReal(next)).toBe(true);
    expect(bench.scripted.orders.made).toHaveLength(1);
  });

  it.each([
    ['the CA cannot be reached', 'order', 503],
    ['the CA has no directory', 'directory', 404],
  ] as const)('while %s afterwards is finished once it is back', async (_, step, status) => {
    await killAfter('finalize 1');
    bench.scripted.script(step, ...Array.from({ length: 30 }, () => ({ answer: { status } })));
    const next = await bench.start();
    await bench.system.run(24 * HOUR);
    expect(isReal(next)).toBe(true);
    expect(bench.scripted.orders.issued).toHaveLength(1);
  });

  it('with SIGTERM is gone on with as well', async () => {
    for (const step of ['newOrder', 'startChallenge', 'finalize']) {
      await bench.close();
      bench = await openKeeperBench();
      let ending: Promise<void> | undefined;
      await bench.start({
        around(when, what, self) {
          if (when === 'before' && what === step) ending ??= self.end();
        },
      });
      await bench.system.run(MINUTE, () => ending !== undefined);
      await ending;
      const next = await bench.start();
      await bench.system.run(HOUR);
      expect([step, isReal(next), bench.scripted.orders.made.length]).toEqual([step, true, 1]);
    }
  });
});
