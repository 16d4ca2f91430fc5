import { describe, expect, it } from 'vitest';
import { decideConnectionBudget } from '../../src/app/connection-budget.ts';
import { isOutOfDescriptors, parseDescriptorLimit, readDescriptorLimit } from '../../src/base/descriptors.ts';

describe('how many connections there may be', () => {
  it.each([
    ['nothing known', undefined, undefined, 20_000],
    ['plenty', undefined, 1_048_576, 20_000],
    ['some', undefined, 20_000, 9_950],
    ['as wanted', 50_000, 200_000, 50_000],
    ['less than there could be', 500, 20_000, 500],
  ])('%s', (_name, wanted, descriptors, total) => {
    expect(decideConnectionBudget(wanted, descriptors)).toEqual({ total, warning: undefined });
  });

  it('leaves as many descriptors for connections to the homeserver, and says where that is few', () => {
    const { total, warning } = decideConnectionBudget(undefined, 1_024);
    expect(total).toBe(462);
    expect(warning).toBe('The limit of 1024 file descriptors leaves room for 462 connections only.');
  });

  it('is never what the descriptors cannot give', () => {
    const { total, warning } = decideConnectionBudget(50_000, 1_024);
    expect(total).toBe(462);
    expect(warning).toContain('limits.connections is 50000');
    expect(decideConnectionBudget(undefined, 64).total).toBe(10);
  });
});

it('the limit of descriptors is the soft one', () => {
  const text = `Limit                     Soft Limit           Hard Limit           Units
Max processes             95936                95936                processes
Max open files            1024                 524288               files
`;
  expect(parseDescriptorLimit(text)).toBe(1_024);
  expect(parseDescriptorLimit(text.replace('1024  ', 'unlimited'))).toBeUndefined();
  if (process.platform === 'linux') expect(readDescriptorLimit()).toBeGreaterThan(0);
});

it('is out of descriptors when any address of a name says so', () => {
  const full = Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' });
  expect(isOutOfDescriptors(full)).toBe(true);
  expect(isOutOfDescriptors(new AggregateError([new Error('x'), full]))).toBe(true);
  expect(isOutOfDescriptors(Object.assign(new Error(), { code: 'ECONNREFUSED' }))).toBe(false);
  const lookup = (code: string): Error => Object.assign(new Error(), { code, syscall: 'getaddrinfo' });
  expect([lookup('EBUSY'), lookup('ENOTFOUND'), lookup('EAI_AGAIN')].map(isOutOfDescriptors)).toEqual([
    true,
    false,
    false,
  ]);
});
