import { describe, expect, it } from 'vitest';
import { viewCertificate } from '../../src/admin/view/certificate-view.ts';
import { at, certificate, NOW } from './made-status.ts';

describe('a certificate', () => {
  it('has now and the next attempt on its timeline, between issue and expiry', () => {
    const { timeline, left, next } = viewCertificate(
      certificate({ not_before: at(-30), not_after: at(60), next_attempt: { at: at(15), why: 'why' } }),
      NOW,
    );
    expect(timeline?.now).toBeCloseTo(1 / 3);
    expect(timeline?.next).toBeCloseTo(1 / 2);
    expect([left, next?.when?.away]).toEqual(['60 days left', 'in 15 days']);
  });

  it.each([
    ['an attempt that is due stands at now', { not_after: at(30), next_attempt: { at: at(-1), why: '' } }, 0.5],
    ['an attempt after the end is not on it', { not_after: at(30), next_attempt: { at: at(31), why: '' } }, undefined],
    ['nor one that is not ours to make', { not_after: at(30), next_attempt: { at: null, why: 'files' } }, undefined],
  ])('%s', (_, more, next) => {
    const { timeline } = viewCertificate(certificate({ not_before: at(-30), ...more }), NOW);
    expect(timeline?.next).toBe(next);
  });

  it.each([
    ['ok', {}, 'good', 'good'],
    ['ok', { obstacle: 'port 80' }, 'warn', 'good, but'],
    ['at-risk', { obstacle: 'port 80' }, 'warn', 'ends soon'],
    ['emergency', {}, 'bad', 'ends very soon'],
    ['expired', { not_after: at(-2) }, 'bad', 'expired'],
  ] as const)('that is %s, with %j: %s, %s', (level, more, tone, word) => {
    expect(viewCertificate(certificate({ level, ...more }), NOW)).toMatchObject({ tone, word });
  });

  it('that is yet to come has no timeline', () => {
    const view = viewCertificate(certificate({ level: 'missing', issuer: null }), NOW);
    expect([view.timeline, view.issuer]).toEqual([undefined, 'not signed by a CA yet']);
  });

  it('whose dates are turned around breaks nothing', () => {
    const { timeline } = viewCertificate(certificate({ not_before: at(5), not_after: at(5) }), NOW);
    expect(timeline).toMatchObject({ now: 0 });
  });
});
