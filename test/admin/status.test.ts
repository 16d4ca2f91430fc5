import { describe, expect, it } from 'vitest';
import { checkCertificate, judgeReadiness } from '../../src/admin/status.ts';

const NOON = Date.UTC(2026, 0, 2, 12, 0);

const HOUR = 3_600_000;
const WAITS = { at: NOON + HOUR, why: 'The CA said: no.' };

describe('a certificate', () => {
  it.each([
    ['ok', true, 'valid until 2026-01-02 at 12:00 UTC'],
    [
      'at-risk',
      true,
      'valid until 2026-01-02 at 12:00 UTC, which is soon: less than a sixth of its lifetime is left; next attempt on 2026-01-02 at 13:00 UTC: The CA said: no.',
    ],
    [
      'emergency',
      true,
      'valid until 2026-01-02 at 12:00 UTC, which is very soon: less than a twentieth of its lifetime is left; next attempt on 2026-01-02 at 13:00 UTC: The CA said: no.',
    ],
    ['expired', false, 'expired on 2026-01-02 at 12:00 UTC; next attempt on 2026-01-02 at 13:00 UTC: The CA said: no.'],
    ['missing', false, 'none yet; next attempt on 2026-01-02 at 13:00 UTC: The CA said: no.'],
  ] as const)('that is %s: usable %s, and %s', (level, ok, detail) => {
    const check = checkCertificate({ names: ['a.test', '::1'], notAfter: NOON, level, next: WAITS }, NOON);
    expect(check).toEqual({ name: 'certificate for a.test, ::1', ok, detail });
  });

  it.each([
    [undefined, 'none yet'],
    [{ at: NOON - 1, why: 'It was time.' }, 'none yet; it is being tried now'],
    [{ at: undefined, why: 'Another one does it.' }, 'none yet; Another one does it.'],
  ])('with %j ahead says %s', (next, detail) => {
    expect(checkCertificate({ names: ['a.test'], notAfter: NOON, level: 'missing', next }, NOON).detail).toBe(detail);
  });
});

describe('ready', () => {
  const good = { name: 'a', ok: true, detail: '' };
  const bad = { name: 'b', ok: false, detail: 'down' };
  it.each([
    [[good], true],
    [[good, good], true],
    [[good, bad], false],
    [[bad], false],
    // Nothing was looked at: that is no reason to send anybody here.
    [[], false],
  ])('%j: %s', (checks, ready) => {
    expect(judgeReadiness(checks)).toEqual({ ready, checks });
  });
});
