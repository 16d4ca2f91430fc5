import { beforeEach, expect, it } from 'vitest';
import { createUnreadAnswers, type UnreadAnswers } from '../../src/forward/unread-answers.ts';

let unread: UnreadAnswers;
let cut: string[];
beforeEach(() => {
  unread = createUnreadAnswers();
  cut = [];
});
const wait = (network: string, name = network): (() => void) => unread.wait(network, () => void cut.push(name));

it('two hundred may wait; of more, the longest of the network with the most is cut', () => {
  const one = wait('honest');
  for (let index = 0; index < 150; index++) wait('a', `a${index}`);
  for (let index = 0; index < 50; index++) wait('b', `b${index}`);
  expect(cut).toEqual(['a0']);
  for (let index = 50; index < 60; index++) wait('b', `b${index}`);
  expect(cut).toEqual(Array.from({ length: 11 }, (_, index) => `a${index}`));
  expect(unread.waiting).toBe(200);
  one();
  expect(unread.waiting).toBe(199);
});

it('it is told when one is cut, and why', () => {
  const told: string[] = [];
  unread = createUnreadAnswers({ onCut: (why) => void told.push(why) });
  for (let index = 0; index < 202; index++) wait('a');
  unread.noteStalled();
  expect(told).toEqual(['crowded', 'crowded', 'stalled']);
});

it('clients of many networks, each with few, may be a thousand', () => {
  for (let index = 0; index < 1_000; index++) wait(`network ${index % 200}`, `${index}`);
  expect(cut).toEqual([]);
  wait('one more');
  expect(cut).toEqual(['0']);
  for (let index = 0; index < 40; index++) wait('greedy', `greedy ${index}`);
  expect(unread.waiting).toBe(1_000);
});

it('of many networks the one with more than its share is cut, down to that', () => {
  for (let index = 0; index < 195; index++) wait(`network ${index}`);
  for (let index = 0; index < 100; index++) wait('greedy', `greedy ${index}`);
  expect(cut).toEqual(Array.from({ length: 92 }, (_, index) => `greedy ${index}`));
});

it('what moves on is at the end of its line', () => {
  const leaves = Array.from({ length: 200 }, (_, index) => wait('a', `a${index}`));
  leaves[0]!();
  wait('a', 'a0');
  wait('a', 'new');
  expect(cut).toEqual(['a1']);
});

it('leaving twice, or after having been cut, changes nothing', () => {
  const leaves = Array.from({ length: 201 }, (_, index) => wait('a', `a${index}`));
  expect(cut).toEqual(['a0']);
  leaves[0]!();
  leaves[1]!();
  leaves[1]!();
  expect(unread.waiting).toBe(199);
  for (const leave of leaves) leave();
  expect(unread.waiting).toBe(0);
});
