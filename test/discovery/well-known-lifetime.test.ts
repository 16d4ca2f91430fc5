import { describe, expect, it } from 'vitest';
import { wellKnownLifetime } from '../../src/discovery/well-known-lifetime.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DEFAULT = 24 * HOUR;

describe('a valid well-known document is remembered', () => {
  it.each<[string, readonly (readonly [string, string])[], number]>([
    ['a day when nothing is said', [], DEFAULT],
    ['a day when something else is said', [['Cache-Control', 'public, must-revalidate']], DEFAULT],
    ['as max-age says', [['cache-control', 'public, max-age=3600']], HOUR],
    ['as max-age says in capitals and with blanks', [['CACHE-CONTROL', 'Max-Age = 7200 , public']], 2 * HOUR],
    [
      'as the last max-age says',
      [
        ['Cache-Control', 'max-age=600'],
        ['Cache-Control', 'max-age=1200'],
      ],
      20 * MINUTE,
    ],
    ['five minutes at least', [['Cache-Control', 'max-age=1']], 5 * MINUTE],
    ['five minutes for max-age=0', [['Cache-Control', 'max-age=0']], 5 * MINUTE],
    ['five minutes for a negative max-age', [['Cache-Control', 'max-age=-5']], 5 * MINUTE],
    ['48 hours at most', [['Cache-Control', 'max-age=31536000']], 48 * HOUR],
    ['five minutes with no-store', [['Cache-Control', 'no-store']], 5 * MINUTE],
    ['five minutes with no-store beside max-age', [['Cache-Control', 'max-age=3600, no-store']], 5 * MINUTE],
    ['as max-age says with no-cache, which is not looked at', [['Cache-Control', 'no-cache, max-age=3600']], HOUR],
    ['a day when max-age is no number', [['Cache-Control', 'max-age=soon']], DEFAULT],
    ['a day when max-age is quoted', [['Cache-Control', 'max-age="3600"']], DEFAULT],
    ['a day when max-age is empty', [['Cache-Control', 'max-age=']], DEFAULT],
    ['as Expires says', [['Expires', 'Mon, 01 Jun 2026 14:00:00 GMT']], 2 * HOUR],
    ['as Expires says in the form of RFC 850', [['Expires', 'Monday, 01-Jun-26 14:00:00 GMT']], 2 * HOUR],
    ['as Expires says in the form of asctime', [['Expires', 'Mon Jun  1 14:00:00 2026']], 2 * HOUR],
    [
      'as max-age rather than Expires says',
      [
        ['Expires', 'Mon, 01 Jun 2026 14:00:00 GMT'],
        ['Cache-Control', 'max-age=600'],
      ],
      10 * MINUTE,
    ],
    [
      'as Expires says when max-age is no number',
      [
        ['Expires', 'Mon, 01 Jun 2026 14:00:00 GMT'],
        ['Cache-Control', 'max-age=x'],
      ],
      2 * HOUR,
    ],
    ['five minutes when it expired long ago', [['Expires', 'Thu, 01 Jan 1970 00:00:00 GMT']], 5 * MINUTE],
    ['five minutes when it expires at "0"', [['Expires', '0']], 5 * MINUTE],
    ['five minutes when Expires is no date', [['Expires', 'Mon, never']], 5 * MINUTE],
    ['48 hours when it expires in ten years', [['Expires', 'Mon, 01 Jun 2036 12:00:00 GMT']], 48 * HOUR],
  ])('%s', (_, headers, expected) => {
    expect(wellKnownLifetime(headers, NOW)).toBe(expected);
  });
});
