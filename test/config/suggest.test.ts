import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from '../../src/config/suggest.ts';

describe('the distance between two words', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['abc', 'abd', 1],
    ['abc', 'acb', 1],
    ['htps', 'https', 1],
    ['kitten', 'sitting', 3],
  ])('from %j to %j is %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
    expect(editDistance(b, a)).toBe(expected);
  });
});

describe('the word that was meant', () => {
  const known = ['server_name', 'homeserver', 'delegate_to', 'delegate_by', 'apex', 'well_known'];
  it.each([
    ['servername', 'server_name'],
    ['serverName', 'server_name'],
    ['Server-Name', 'server_name'],
    ['homserver', 'homeserver'],
    ['wellknown', 'well_known'],
    ['delegate_by_', 'delegate_by'],
    ['aepx', 'apex'],
    ['banana', undefined],
    ['x', undefined],
    ['', undefined],
    ['a'.repeat(10_000), undefined],
  ])('for %.20j is %j', (written, expected) => {
    expect(suggest(written, known)).toBe(expected);
  });
});
