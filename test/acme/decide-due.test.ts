import { describe, expect, it } from 'vitest';
import type { CaPlan } from '../../src/acme/ca-plan.ts';
import { decideDue } from '../../src/acme/decide-due.ts';
import type { HeldCertificate } from '../../src/acme/stored-certificate.ts';
import { DAY, HOUR, middle, T0 } from './ledger-facts.ts';

const OURS = 'https://ca.example/directory';
const cas = { production: [{ ca: { directoryUrl: OURS } }], staging: undefined } as unknown as CaPlan;

/** A certificate of ten days with so much time left. */
const held = (left: number, directory = OURS): HeldCertificate => ({
  stored: { names: ['example.com'], directory, chainPem: '', keyPem: '', issuedAt: T0 },
  certificate: { notBefore: T0 + left - 10 * DAY, notAfter: T0 + left } as HeldCertificate['certificate'],
});

describe('a certificate is due', () => {
  it.each([
    ['where there is none', undefined, false, 'due', /no certificate yet/],
    ['when the operator asks for it', held(9 * DAY), true, 'due', /operator asked/],
    ['when its CA is not configured any more', held(9 * DAY, 'https://other.example/'), false, 'due', /not configured/],
    ['by its age', held(2 * DAY), false, 'due', /time to renew/],
    ['urgently near its end', held(11 * HOUR), false, 'urgent', /Only 11 hours/],
    ['as urgently where the operator has asked for it before', held(11 * HOUR), true, 'urgent', /Only 11 hours/],
    [
      'as urgently where its CA is not configured any more',
      held(11 * HOUR, 'https://other.example/'),
      false,
      'urgent',
      /Only 11 hours/,
    ],
  ])('%s', (_, certificate, asked, need, why) => {
    const decision = decideDue({ held: certificate, asked, cas }, T0, middle);
    expect(decision).toMatchObject({ renew: true, need });
    expect(decision.why).toMatch(why);
  });

  it('and the need grows when an emergency begins, whoever asked for it', () => {
    const { needGrowsAt } = decideDue({ held: held(9 * DAY), asked: true, cas }, T0, middle);
    expect(needGrowsAt).toBe(T0 + 9 * DAY - 12 * HOUR);
  });

  it('not while it is fresh', () => {
    expect(decideDue({ held: held(9 * DAY), asked: false, cas }, T0, middle)).toMatchObject({ renew: false });
  });
});
