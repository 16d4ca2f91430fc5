import { expect, it } from 'vitest';
import { createFairTurns } from '../../src/listen/fair-turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('begins so many in each turn of the loop, and none in the present one', async () => {
  const turns = createFairTurns<string>(2);
  const begun: number[] = [];
  for (let index = 0; index < 5; index++) turns.enter(`${index}`, () => void begun.push(index));
  expect(begun).toEqual([]);
  const seen: number[] = [];
  for (let loop = 0; loop < 4; loop++) {
    await turn();
    seen.push(begun.length);
  }
  expect(seen.slice(0, 3)).toEqual([2, 4, 5]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

it('begins one for each that asks in a turn', async () => {
  const turns = createFairTurns<string>(8);
  const begun: string[] = [];
  for (const key of ['a', 'a', 'b', 'a']) turns.enter(key, () => void begun.push(key));
  await turn();
  expect(begun).toEqual(['a', 'b']);
  await turn();
  expect(begun).toEqual(['a', 'b', 'a']);
});

it('goes round those who ask, so that who asks for much waits behind their own', async () => {
  const turns = createFairTurns<string>(1);
  const begun: string[] = [];
  for (let index = 0; index < 100; index++) turns.enter('many', () => void begun.push(`many ${index}`));
  await turn();
  turns.enter('one', () => void begun.push('one'));
  await turn();
  await turn();
  expect(begun).toEqual(['many 0', 'many 1', 'one']);
});

it('takes what is asked for while it begins something', async () => {
  const turns = createFairTurns<string>(3);
  const begun: string[] = [];
  turns.enter('a', () => {
    begun.push('first');
    turns.enter('a', () => void begun.push('second'));
  });
  for (let loop = 0; loop < 3; loop++) await turn();
  expect(begun).toEqual(['first', 'second']);
});
