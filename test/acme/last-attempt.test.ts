import { expect, it } from 'vitest';
import { emptyLedger, type Ledger, type Tries } from '../../src/acme/ledger.ts';
import { viewLastAttempt } from '../../src/acme/ledger-views.ts';
import { HOUR, T0 } from './ledger-facts.ts';

const SET = 'example.com-0a1b2c3d';
const tries = (more: Partial<Tries>): Tries => ({
  ...{ set: SET, ca: 'ca.example-12345678', failures: 0, lastAt: T0, caFailures: 0, ourFailures: 0, unknown: 0 },
  ...more,
});
const ledger = (...all: Tries[]): Ledger => ({ ...emptyLedger(), tries: all });
const problem = { kind: 'validation' as const, type: 'dns', detail: 'No such name', status: 400 };

it.each([
  ['nothing was tried', ledger(), undefined],
  ['another set was tried', ledger(tries({ set: 'other-12345678' })), undefined],
  ['it is not known how it ended', ledger(tries({ failures: 1, unknown: 1 })), undefined],
  ['it went well', ledger(tries({})), { at: T0, ok: true, what: 'A certificate was issued.' }],
  ['it failed', ledger(tries({ failures: 2, problem })), { at: T0, ok: false, what: 'No such name' }],
  ['nobody said why', ledger(tries({ failures: 1 })), { at: T0, ok: false, what: 'It failed.' }],
  [
    'several CAs were asked: the newest counts',
    ledger(tries({ lastAt: T0 + HOUR, failures: 1, problem }), tries({ ca: 'b-12345678' })),
    { at: T0 + HOUR, ok: false, what: 'No such name' },
  ],
])('the last attempt, when %s', (_, from, expected) => {
  expect(viewLastAttempt(from, SET)).toEqual(expected);
});
