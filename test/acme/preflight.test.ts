import { describe, expect, it } from 'vitest';
import { judgePreflight } from '../../src/acme/preflight.ts';
import type { NameFacts, PreflightFacts } from '../../src/acme/preflight-facts.ts';
import { DAY, MINUTE } from './ledger-facts.ts';

const found = (...addresses: string[]) => ({ kind: 'found' as const, addresses });
const none = { kind: 'none' as const };
const failed = { kind: 'failed' as const, why: 'SERVFAIL' };
const issue = (value: string, at = 'example.com') => ({
  kind: 'found' as const,
  records: [{ critical: false, tag: 'issue', value }],
  at,
});

const name = (more: Partial<NameFacts> = {}): NameFacts => ({
  name: 'example.com',
  a: found('9.9.9.9'),
  aaaa: none,
  caa: { kind: 'found', records: [], at: 'example.com' },
  loopBack: { kind: 'ours' },
  challenges: { types: ['tls-alpn-01', 'http-01'], why: 'as configured' },
  ...more,
});
const facts = (
  of: Partial<NameFacts> = {},
  ca: Partial<PreflightFacts['ca']> = {},
  store: Partial<PreflightFacts['store']> = {},
): PreflightFacts => ({
  names: [name(of)],
  profile: undefined,
  ca: {
    ...{
      name: 'CA1',
      isPublic: true,
      isStaging: false,
      hasStaging: true,
      caaIdentities: ['ca1.example.net'],
      profiles: ['classic', 'shortlived'],
    },
    ...{ accountUrl: 'https://ca1.example.net/acct/7', clockAhead: 0 },
    ...ca,
  },
  store: {
    ...{ name: '/data/certs', unwritable: undefined, inContainer: true, onVolume: true, markerFound: false },
    ...store,
  },
});

describe('before the first order', () => {
  it('nothing is in the way where all is well', () => {
    expect(judgePreflight(facts())).toMatchObject({ do: 'order', stagingOnly: false, findings: [] });
  });

  it.each<[string, PreflightFacts, 'advice' | 'veto', string, RegExp]>([
    ['the name does not exist', facts({ a: none }), 'veto', 'name-does-not-resolve', /neither an A nor an AAAA/],
    ['the name could not be looked up', facts({ a: failed, aaaa: failed }), 'advice', 'name-lookup-failed', /SERVFAIL/],
    [
      'one lookup failed and the other found nothing',
      facts({ a: none, aaaa: failed }),
      'advice',
      'name-lookup-failed',
      /SERVFAIL/,
    ],
    [
      'the name is private here',
      facts({ a: found('192.168.1.5') }),
      'advice',
      'name-resolves-to-private-address',
      /192\.168\.1\.5/,
    ],
    [
      'the name has a private IPv6 address',
      facts({ aaaa: found('fd00::1') }),
      'advice',
      'name-resolves-to-private-address',
      /fd00::1/,
    ],
    [
      'no public CA knows such names',
      facts({ name: 'matrix.lan.internal' }),
      'veto',
      'name-not-public',
      /names under \.internal/,
    ],
    [
      'no public CA knows names without a domain',
      facts({ name: 'synapse' }),
      'veto',
      'name-not-public',
      /it has no domain/,
    ],
    [
      'no public CA signs for such addresses',
      facts({ name: '10.1.2.3', a: undefined, aaaa: undefined }),
      'veto',
      'name-not-public',
      /public Internet/,
    ],
    [
      'no challenge can be met',
      facts({ challenges: { types: [], why: 'All listeners are off.' } }),
      'veto',
      'no-challenge-possible',
      /All listeners are off/,
    ],
    [
      'CAA names another CA',
      facts({ caa: issue('ca2.example.org') }),
      'veto',
      'caa-forbids',
      /let ca2\.example\.org sign, and not ca1/,
    ],
    [
      'CAA leaves no challenge',
      facts({ caa: issue('ca1.example.net; validationmethods=dns-01') }),
      'veto',
      'caa-forbids',
      /dns-01 only/,
    ],
    ['CAA records could not be looked up', facts({ caa: failed }), 'advice', 'caa-lookup-failed', /SERVFAIL/],
    [
      'the sidecar does not reach itself',
      facts({ loopBack: { kind: 'failed', why: 'timeout' } }),
      'advice',
      'loop-back-failed',
      /timeout/,
    ],
    [
      'somebody else answers',
      facts({ loopBack: { kind: 'foreign', why: 'nginx' } }),
      'advice',
      'loop-back-foreign',
      /nginx/,
    ],
    [
      'the store cannot be written',
      facts({}, {}, { unwritable: 'read-only.' }),
      'veto',
      'store-not-writable',
      /read-only/,
    ],
    ['the store may be lost', facts({}, {}, { onVolume: undefined }), 'advice', 'store-may-be-lost', /cannot be told/],
    [
      'the clock is off by minutes',
      facts({}, { clockAhead: -10 * MINUTE }),
      'advice',
      'clock-wrong',
      /10 minutes behind/,
    ],
    [
      'the clock is off by days',
      facts({}, { clockAhead: 60 * DAY }),
      'advice',
      'clock-wrong',
      /60 days ahead of the CA's; certificates are renewed by the CA's/,
    ],
  ])('is told when %s', (_, given, level, id, what) => {
    const verdict = judgePreflight(given);
    expect(verdict.do).toBe(level);
    expect(verdict.findings).toMatchObject([{ id, level }]);
    expect(verdict.findings[0]!.what).toMatch(what);
    expect(verdict.findings[0]!.fix).toMatch(/\w.*[.)]$/);
    expect(verdict.why).toContain(verdict.findings[0]!.what);
    expect(verdict.stagingOnly).toBe(false);
  });

  it.each<[string, PreflightFacts]>([
    ['over DNS a name need not resolve', facts({ a: none, challenges: { types: ['dns-01'], why: '' } })],
    ['over DNS also with a listener closed', facts({ a: none, challenges: { types: ['http-01', 'dns-01'], why: '' } })],
    ['IPv6 alone is enough', facts({ a: none, aaaa: found('2606:4700::1') })],
    [
      'a private CA signs for private names',
      facts({ name: 'synapse.internal', a: found('10.0.0.1') }, { isPublic: false }),
    ],
    ['a CA without CAA names does not look', facts({ caa: issue('ca2.example.org') }, { caaIdentities: [] })],
    ['an address needs no records', facts({ name: '9.9.9.9', a: undefined, aaaa: undefined, caa: undefined })],
    ['a store that was there before survives', facts({}, {}, { onVolume: false, markerFound: true })],
    ['outside of a container the store is a folder', facts({}, {}, { onVolume: undefined, inContainer: false })],
    [
      'a wildcard is not asked for',
      facts({ name: '*.example.com', loopBack: { kind: 'skipped' }, challenges: { types: ['dns-01'], why: '' } }),
    ],
  ])('nothing is said where %s', (_, given) => {
    expect(judgePreflight(given)).toMatchObject({ do: 'order', findings: [] });
  });

  it('a container without a volume hears of staging only where the CA has one', () => {
    const sentence = (hasStaging: boolean) =>
      judgePreflight(facts({}, { hasStaging }, { onVolume: false })).findings[0]!.what;
    expect([true, false].map((has) => /certificates come from staging/.test(sentence(has)))).toEqual([true, false]);
  });

  it('a container without a volume is told so and starts on staging', () => {
    const verdict = judgePreflight(facts({}, {}, { onVolume: false }));
    expect(verdict).toMatchObject({ do: 'advice', stagingOnly: true, findings: [{ id: 'store-lost-with-container' }] });
    expect(verdict.findings[0]!.fix).toBe(
      'Mount a volume at /data/certs (volumes: in compose.yaml), or set a store that is elsewhere (postgres://...).',
    );
  });

  it('leaves the challenges that CAA records allow', () => {
    const verdict = judgePreflight(facts({ caa: issue('ca1.example.net; validationmethods=http-01') }));
    expect(verdict.challenges.get('example.com')).toEqual(['http-01']);
  });

  it('prints the CAA record to publish, for a wildcard as well', () => {
    const wildcard = facts({ name: '*.example.com', challenges: { types: ['dns-01'], why: '' }, caa: issue(';') });
    expect(judgePreflight(wildcard).findings[0]!.fix).toBe(
      'At example.com, publish: CAA 0 issuewild "ca1.example.net" (or, for this account only, "ca1.example.net; accounturi=https://ca1.example.net/acct/7").',
    );
  });

  it.each([
    ['one that the CA offers', 'shortlived', ['classic', 'shortlived'], 'order'],
    ['any where the CA has none, or it is not known', 'shortlived', [], 'order'],
    ['one that the CA does not offer', 'tlsclient', ['classic', 'shortlived'], 'veto'],
  ])('judges the profile: %s', (_, profile, profiles, verdict) => {
    const judged = judgePreflight({ ...facts({}, { profiles }), profile });
    expect(judged.do).toBe(verdict);
    if (verdict === 'veto') expect(judged.findings[0]?.fix).toContain('(classic, shortlived)');
  });

  it('tells everything at once, and vetoes for the vetoes', () => {
    const verdict = judgePreflight({
      ...facts({ a: none, caa: failed }),
      names: [name({ a: none, caa: failed }), name({ name: 'synapse' })],
    });
    expect(verdict.findings.map(({ id }) => id)).toEqual([
      'name-does-not-resolve',
      'caa-lookup-failed',
      'name-not-public',
    ]);
    expect(verdict.why).not.toContain('SERVFAIL');
  });
});
