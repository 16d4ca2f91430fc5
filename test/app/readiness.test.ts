import { expect, it } from 'vitest';
import { checkStore } from '../../src/app/readiness.ts';

const STUCK = { leads: false, other: { kind: 'stuck', why: 'The folder /certs is read-only.' } } as const;
const check = (ok: boolean) => ({ name: 'certificate', ok, detail: '' });

it.each([
  ['harmless while every certificate is good', [check(true)], true],
  ['not ready where one is missing', [check(true), check(false)], false],
])('a store that cannot be written is a check of its own, %s', (_, certificates, ok) => {
  const detail = 'The store cannot be written (The folder /certs is read-only): nothing is ordered until it can.';
  expect(checkStore([STUCK], certificates)).toEqual([{ name: 'store', ok, detail }]);
});

it.each([
  { leads: true, other: { kind: 'unknown' } },
  { leads: false, other: { kind: 'another' } },
  { leads: false, other: { kind: 'unknown' } },
] as const)('nothing is said of the store with %j', (set) => {
  expect(checkStore([set], [check(false)])).toEqual([]);
});
