import { expect, it } from 'vitest';
import { wrapText } from '../../src/advise/wrap-text.ts';

it('breaks between words, indents what follows, and keeps long words whole', () => {
  expect(wrapText('one two three', '', 7)).toBe('one two\nthree');
  expect(wrapText('  one two three', '   ', 9)).toBe('  one two\n   three');
  expect(wrapText('see https://example.com/long now', '', 10)).toBe('see\nhttps://example.com/long\nnow');
  expect(wrapText('', '  ')).toBe('');
});
