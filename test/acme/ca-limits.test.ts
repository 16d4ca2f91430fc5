import { describe, expect, it } from 'vitest';
import { limitsOfCa, stagingOfCa } from '../../src/acme/ca-limits.ts';
import { LEDGER_REMEMBERS } from '../../src/acme/ledger.ts';
import { registeredDomain } from '../../src/acme/registered-domain.ts';
import { DAY, HOUR, MINUTE } from './ledger-facts.ts';

const LE = limitsOfCa('https://acme-v02.api.letsencrypt.org/directory');
const STAGING = limitsOfCa('https://acme-staging-v02.api.letsencrypt.org/directory');

describe('what CAs publish', () => {
  it("has Let's Encrypt's figures", () => {
    expect(LE).toEqual({
      ca: "Let's Encrypt",
      certificatesPerSet: { count: 5, per: 7 * DAY },
      certificatesPerDomain: { count: 50, per: 7 * DAY },
      ordersPerAccount: { count: 300, per: 3 * HOUR },
      failedAuthorizationsPerName: { count: 5, per: HOUR },
      failuresInARow: { count: 1_152, refill: DAY },
    });
  });

  it('has more room on staging, and knows where that is', () => {
    expect(STAGING.certificatesPerSet.count).toBe(30_000);
    expect(STAGING.failedAuthorizationsPerName).toEqual({ count: 200, per: HOUR });
    expect(limitsOfCa(stagingOfCa('https://acme-v02.api.letsencrypt.org/directory')!)).toBe(STAGING);
    expect(stagingOfCa('https://acme.zerossl.com/v2/DV90')).toBeUndefined();
  });

  it.each([
    ['https://ca.internal:14000/dir', 'ca.internal'],
    ['https://acme-v02.api.letsencrypt.org.evil.example/', 'acme-v02.api.letsencrypt.org.evil.example'],
    ['https://__proto__/', '__proto__'],
    ['no url', 'no url'],
  ])('is cautious with the unknown CA %s, and still lets it renew certificates of an hour', (directory, ca) => {
    const limits = limitsOfCa(directory);
    expect(limits.ca).toBe(ca);
    expect(limits.certificatesPerSet.per / limits.certificatesPerSet.count).toBeLessThan(HOUR / 2);
    expect(limits.certificatesPerSet.per / limits.certificatesPerSet.count).toBeGreaterThan(10 * MINUTE);
  });

  it.each([
    'https://acme-v02.api.letsencrypt.org/directory',
    'https://acme-staging-v02.api.letsencrypt.org/directory',
    'https://unknown.example/',
  ])('has no window that is longer than the ledger remembers: %s', (directory) => {
    const { certificatesPerSet, certificatesPerDomain } = limitsOfCa(directory);
    expect(Math.max(certificatesPerSet.per, certificatesPerDomain.per)).toBeLessThan(LEDGER_REMEMBERS);
  });
});

describe('the domain that a CA counts by', () => {
  it.each([
    ['example.com', 'example.com'],
    ['*.a.b.example.com', 'example.com'],
    ['matrix.example.co.uk', 'example.co.uk'],
    ['example.com.au', 'example.com.au'],
    ['a.example.de', 'example.de'],
    ['localhost', 'localhost'],
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
    ['2001:db8::4', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('of %s is %s', (name, domain) => {
    expect(registeredDomain(name)).toBe(domain);
  });
});
