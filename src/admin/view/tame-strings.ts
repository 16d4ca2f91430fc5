import { tameLine } from '../../federation-tester/quote.ts';

/** The same with every text in it tamed: without what terminals and browsers obey. For values as JSON has them. Pure. */
export function tameStrings<T>(value: T): T {
  if (typeof value === 'string') return tameLine(value) as T;
  if (Array.isArray(value)) return value.map(tameStrings) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, tameStrings(one)])) as T;
}
