import { expect, it } from 'vitest';
import { quoteText, renderZone } from '../../src/advise/zone-file.ts';

it('quotes what a TXT record holds, in strings of 255 bytes at most', () => {
  expect(quoteText('a; b')).toBe('"a; b"');
  expect(quoteText('say "\\"')).toBe('"say \\"\\\\\\""');
  expect(quoteText('x'.repeat(300))).toBe(`"${'x'.repeat(255)}" "${'x'.repeat(45)}"`);
  expect(quoteText('')).toBe('""');
});

it('aligns records, explains each once, and comments out what is not needed', () => {
  const record = { ttl: 60, type: 'A', data: '192.0.2.1', why: 'one', needed: true } as const;
  expect(
    renderZone([
      { ...record, name: 'a.' },
      { ...record, name: 'a.', type: 'AAAA', data: '::1' },
      { ...record, name: 'longer.', why: 'two', needed: false },
    ]),
  ).toBe('; one\na.      60 IN A    192.0.2.1\na.      60 IN AAAA ::1\n; two\n; longer. 60 IN A    192.0.2.1');
});
