import { formatDuration } from '../../federation-tester/quote.ts';
import type { Moment } from './tone.ts';

/** `at` is ISO 8601, `now` milliseconds since the epoch. Pure. */
export function describeMoment(at: string, now: number): Moment {
  const difference = Date.parse(at) - now;
  const length = formatDuration(difference);
  return { at, away: difference > 0 ? `in ${length}` : `${length} ago` };
}
