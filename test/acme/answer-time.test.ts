import { expect, it } from 'vitest';
import { readAnswerTime } from '../../src/acme/read-problem.ts';

const date = 'Mon, 01 Jun 2026 12:00:00 GMT';
const noon = Date.parse('2026-06-01T12:00:00Z');

it.each<[string, Readonly<Record<string, string>>, number | undefined]>([
  ['its date', { date }, noon],
  ['its date and how long it lay in a cache', { date, age: '90' }, noon + 90_000],
  ['nothing where the date is none', { date: 'yesterday' }, undefined],
  ['nothing where the time in the cache is none', { date, age: 'long' }, undefined],
  ['nothing without a date', { age: '90' }, undefined],
])('the time of an answer is %s', (_, headers, time) => {
  expect(readAnswerTime({ header: (name) => headers[name] })).toBe(time);
});
