import { describe, expect, it } from 'vitest';
import { checkCertificateTime, judgeReadiness } from '../../src/admin/status.ts';

const NOON = Date.UTC(2026, 0, 2, 12, 0);

describe('a certificate', () => {
  it.each([
    [NOON + 1, true, 'valid until 2026-01-02 at 12:00 UTC'],
    [NOON + 90 * 86_400_000, true, 'valid until 2026-04-02 at 12:00 UTC'],
    [NOON, false, 'expired on 2026-01-02 at 12:00 UTC'],
    [NOON - 1, false, 'expired on 2026-01-02 at 11:59 UTC'],
  ])('until %i at noon: %s, %s', (notAfter, ok, detail) => {
    const check = checkCertificateTime(['a.test', '::1'], notAfter, NOON);
    expect(check).toEqual({ name: 'certificate for a.test, ::1', ok, detail });
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
