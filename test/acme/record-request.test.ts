import { expect, it } from 'vitest';
import { emptyLedger, parseLedger, serialiseLedger } from '../../src/acme/ledger.ts';
import { recordRequest, recordRequestMet } from '../../src/acme/record-request.ts';
import { T0 } from './ledger-facts.ts';

it('keeps what the operator asked for until the set has a new certificate, once for each set', () => {
  const asked = recordRequest(recordRequest(recordRequest(emptyLedger(), 'a', []), 'b', []), 'a', []);
  expect(parseLedger(serialiseLedger(asked), T0).ledger.asked).toEqual(['b', 'a']);
  expect(recordRequestMet(asked, 'a').asked).toEqual(['b']);
  expect(recordRequestMet(emptyLedger(), 'a')).toEqual(emptyLedger());
});
