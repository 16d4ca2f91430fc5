import { expect, it } from 'vitest';
import { readOrigin } from '../../src/app/admit-request.ts';

const from = (...fields: string[]): string | undefined =>
  readOrigin(['Host', 'a.test', ...fields.flatMap((field) => ['Authorization', field])]);

it.each<[string, string[], string | undefined]>([
  ['is the one that a request names', ['X-Matrix origin="b.test",key="ed25519:1",sig="x"'], 'b.test'],
  ['may be without quotes', ['X-Matrix origin=b.test,key="ed25519:1",sig="x"'], 'b.test'],
  ['is the last of several, as Synapse reads it', ['X-Matrix origin="matrix.org",origin="b.test",sig="x"'], 'b.test'],
  ['is that of the last field', ['X-Matrix origin="matrix.org",sig="x"', 'X-Matrix origin="b.test",sig="y"'], 'b.test'],
  ['is nobody with a token', ['Bearer origin="b.test"'], undefined],
  ['is nobody without a field', [], undefined],
])('the origin %s', (_, fields, origin) => {
  expect(from(...fields)).toBe(origin);
});
