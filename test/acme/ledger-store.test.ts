import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedgerStore, LEDGER_KEY, type LedgerLease } from '../../src/acme/ledger-store.ts';
import { recordOrder } from '../../src/acme/record-order.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Store } from '../../src/store/store.ts';
import { createManualSystem } from '../tls/manual-system.ts';
import { HOUR, key, middle, T0 } from './ledger-facts.ts';

describe('the ledger in a store of files', () => {
  let folder: string;
  let store: Store;
  let notes: string[];
  const system = createManualSystem(T0);
  const open = () => createLedgerStore(store, { system, note: (sentence) => notes.push(sentence) });
  const held = (lost = new AbortController().signal): LedgerLease => ({ lost, write: store.write });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ledger-'));
    store = createFileStore(folder, { system });
    notes = [];
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('loses none of many changes at once', async () => {
    const ledger = open();
    const change = () => ledger.update(held(), (before) => recordOrder(before, key(), T0, middle).ledger);
    await Promise.all(Array.from({ length: 10 }, change));
    expect((await open().read()).orders.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('writes nothing for somebody who lost the lease, not even while reading', async () => {
    const lost = new AbortController();
    const ledger = open();
    const change = ledger.update(held(lost.signal), (before) => {
      lost.abort(new Error('taken over'));
      return recordOrder(before, key(), T0, middle).ledger;
    });
    await expect(change).rejects.toThrow('taken over');
    await expect(ledger.update(held(lost.signal), (before) => before)).rejects.toThrow('taken over');
    expect(await store.list('acme/')).toEqual([]);
  });

  it('goes on after a change that failed', async () => {
    const ledger = open();
    const broken = ledger.update(held(), () => {
      throw new Error('a defect');
    });
    await expect(broken).rejects.toThrow('a defect');
    expect(
      (await ledger.update(held(), (before) => recordOrder(before, key(), T0, middle).ledger)).orders,
    ).toHaveLength(1);
  });

  it('begins a careful ledger in place of an unreadable one, tells once, and keeps its beginning', async () => {
    const path = join(folder, LEDGER_KEY);
    await open().update(held(), (before) => before);
    await writeFile(path, (await readFile(path)).subarray(0, 20));
    await open().update(held(), (before) => before);
    await system.advance(HOUR);
    expect((await open().read()).careful).toMatchObject({ from: T0 });
    expect(notes).toHaveLength(1);
  });
});
