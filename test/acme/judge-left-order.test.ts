import { expect, it } from 'vitest';
import { judgeLeftOrder, type LeftOrderFacts } from '../../src/acme/judge-left-order.ts';
import type { LedgerOrder } from '../../src/acme/ledger.ts';
import { HOUR, key, MINUTE, T0 } from './ledger-facts.ts';

const order: LedgerOrder = { ...key(), id: 1, at: T0, outcome: 'unresolved', failedNames: [] };
const later = T0 + 10 * MINUTE;
const open = T0 + 24 * HOUR;

it.each<[string, LeftOrderFacts['found'], boolean, boolean, number, object]>([
  ['valid with its key', { status: 'valid', expires: open }, true, false, later, { do: 'finish' }],
  ['valid without its key', { status: 'valid', expires: open }, false, true, later, { do: 'lost' }],
  ['ready with its key', { status: 'ready', expires: open }, true, true, later, { do: 'finish' }],
  ['ready without a key', { status: 'ready', expires: open }, false, true, later, { do: 'resume' }],
  ['ready and not needed', { status: 'ready', expires: open }, true, false, later, { do: 'abandon', failedNames: [] }],
  ['pending', { status: 'pending', expires: open }, false, true, later, { do: 'resume' }],
  ['pending and not needed', { status: 'pending', expires: open }, false, false, later, { do: 'abandon' }],
  ['processing', { status: 'processing', expires: open }, true, true, later, { do: 'wait', resume: true }],
  [
    'processing for hours',
    { status: 'processing', expires: open },
    true,
    true,
    T0 + HOUR,
    { do: 'wait', resume: false },
  ],
  ['processing without a key', { status: 'processing', expires: open }, false, true, later, { resume: false }],
  ['invalid', { status: 'invalid', expires: open }, true, true, later, { do: 'abandon', failedNames: order.names }],
  ['expired', { status: 'invalid', expires: T0 }, false, true, later, { do: 'abandon', failedNames: [] }],
])('an order that is %s', (_, found, hasKey, wanted, now, fate) => {
  expect(judgeLeftOrder({ order, found, hasKey, wanted }, now)).toMatchObject(fate);
});
