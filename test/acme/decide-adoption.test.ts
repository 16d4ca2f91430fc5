import { expect, it } from 'vitest';
import { decideAdoption } from '../../src/acme/decide-adoption.ts';
import { DAY, T0 } from './ledger-facts.ts';

const from = (day: number, days: number) => ({
  notBefore: T0 + day * DAY,
  notAfter: T0 + (day + days) * DAY,
  fingerprint256: `${day}+${days}`,
});

it.each<[string, ReturnType<typeof from>, ReturnType<typeof from> | undefined, boolean, boolean]>([
  ['the first one is taken', from(0, 90), undefined, false, true],
  ['the same one is taken, for what is stored beside it', from(0, 90), from(0, 90), true, true],
  ['a newer one is taken', from(60, 90), from(0, 90), false, true],
  ['a newer one that lives shorter is taken', from(60, 6), from(0, 90), false, true],
  ['an older one is not', from(0, 90), from(60, 90), false, false],
  ['an older one is not, although it ends on the same day', from(0, 90), from(60, 30), false, false],
  ['an imported one that lives longer is taken', from(0, 90), from(5, 6), false, true],
  ['but not in place of one that is not stored yet', from(0, 90), from(60, 6), true, false],
  ['a newer one is taken in place of one that is not stored yet', from(61, 6), from(60, 90), true, true],
])('%s', (_, stored, held, unsaved, adopt) => {
  const decision = decideAdoption(stored, held, unsaved);
  expect(decision.adopt).toBe(adopt);
  expect(decision.why).toMatch(/^[A-Z].*\.$/);
});
