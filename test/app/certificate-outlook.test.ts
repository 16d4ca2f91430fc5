import { describe, expect, it } from 'vitest';
import { BOOTSTRAP_ORIGIN } from '../../src/acme/bootstrap-origin.ts';
import type { SetStatus } from '../../src/acme/keeper.ts';
import { nameSetId } from '../../src/acme/names.ts';
import { keepWorst, listOutlooks } from '../../src/app/certificate-outlook.ts';
import type { Certificate } from '../../src/tls/certificate.ts';
import { DAY, makeCertificate, makeEcCertificate, read } from '../tls/make-certificate.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const root = makeCertificate({ commonName: 'root', ca: true });

function certificate(daysLeft: number, more: Partial<Certificate> = {}): Certificate {
  const dates = { notBefore: NOW - (60 - daysLeft) * DAY, notAfter: NOW + daysLeft * DAY };
  return { ...read(makeEcCertificate(['b.test', 'a.test'], root, 'P-256', dates)), origin: '/b.pem', ...more };
}

function statusOf(served: Certificate, more: Partial<SetStatus> = {}): SetStatus {
  return {
    id: 'a.test-12345678',
    names: ['a.test', 'b.test'],
    why: '',
    served: served.fingerprint256,
    notAfter: served.notAfter,
    directory: undefined,
    leads: true,
    other: { kind: 'unknown' },
    next: { at: NOW + DAY, why: 'It is so.' },
    last: { at: NOW - DAY, ok: false, what: 'It failed.' },
    ...more,
  };
}

describe('the outlook of a certificate', () => {
  it.each([
    [40, 'ok'],
    [9, 'at-risk'],
    [2, 'emergency'],
    [-1, 'expired'],
  ])('with %i of 60 days left: %s', (daysLeft, level) => {
    expect(listOutlooks([certificate(daysLeft)], [], NOW)[0]).toMatchObject({ level });
  });

  it('from files is that nobody renews it here, and where to put a new one', () => {
    const [outlook] = listOutlooks([certificate(40)], [], NOW);
    expect(outlook).toMatchObject({
      id: nameSetId(['a.test', 'b.test']),
      names: ['a.test', 'b.test'],
      next: { at: undefined, why: 'It comes from /b.pem, which the sidecar does not renew: put a new one there.' },
      last: undefined,
      unsettled: false,
    });
  });

  it('of the development CA needs no words', () => {
    expect(listOutlooks([certificate(40, { origin: 'development CA' })], [], NOW)[0]?.next).toBeUndefined();
  });

  it('from a CA is what the keeper says', () => {
    const served = certificate(9);
    const set = statusOf(served);
    const [outlook] = listOutlooks([certificate(40), served], [set], NOW).slice(1);
    expect(outlook).toMatchObject({ id: set.id, next: set.next, last: set.last, unsettled: false });
  });

  it('from a CA that another sidecar asks is left to that one', () => {
    const served = certificate(9);
    const [outlook] = listOutlooks([served], [statusOf(served, { leads: false, other: { kind: 'another' } })], NOW);
    expect(outlook).toMatchObject({ unsettled: true, next: { at: undefined }, last: { ok: false } });
    expect(outlook?.next?.why).toContain('Another sidecar');
  });

  it.each([
    [{ kind: 'unknown' }, /^Who orders it is not known yet/],
    [
      { kind: 'stuck', why: 'The folder /certs is read-only.' },
      /^The store cannot be written \(The folder \/certs is read-only\): nothing is ordered until it can\.$/,
    ],
  ] as const)(
    'from a CA says what is known of who orders it, and names no sidecar that is not there: %j',
    (other, why) => {
      const served = certificate(9);
      const [outlook] = listOutlooks([served], [statusOf(served, { leads: false, other })], NOW);
      expect(outlook?.next).toEqual({ at: undefined, why: expect.stringMatching(why) as string });
    },
  );

  it('from a CA that is being asked is that it is being tried, and that more will be known soon', () => {
    const served = certificate(9);
    for (const at of [0, NOW - DAY, NOW]) {
      const [outlook] = listOutlooks([served], [statusOf(served, { next: { at, why: 'Nothing yet.' } })], NOW);
      expect(outlook).toMatchObject({ unsettled: true, next: { at: NOW, why: 'It is being tried now.' } });
    }
  });

  it('before the first is that there is none, whatever the bootstrap certificate says', () => {
    const bootstrap = certificate(-1, { origin: BOOTSTRAP_ORIGIN });
    expect(listOutlooks([bootstrap], [statusOf(bootstrap)], NOW)[0]).toMatchObject({
      level: 'missing',
      next: { at: NOW + DAY },
    });
  });

  it('is the worse one where two have the same names', () => {
    const outlooks = listOutlooks([certificate(40), certificate(9), certificate(20)], [], NOW);
    expect(keepWorst(outlooks)).toEqual([outlooks[1]]);
  });
});
