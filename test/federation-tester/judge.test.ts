import { describe, expect, it } from 'vitest';
import { bad } from '../../src/base/parsed.ts';
import type { Facts } from '../../src/federation-tester/facts.ts';
import { FINDING_KINDS, SYMPTOMS } from '../../src/federation-tester/finding-kinds.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import type { Verdict } from '../../src/federation-tester/verdict.ts';
import {
  address,
  answered,
  DAY,
  dead,
  facts,
  failed,
  hop,
  leaf,
  NAME,
  NOW,
  resolution,
  TLS,
  UNAUTHORIZED,
} from './made-facts.ts';

const judged = (given: Facts, reach: 'public' | 'private' = 'public'): Verdict => judge(given, { reach }, NOW);
const summary = ({ findings, federationOk, publicTester }: Verdict) => ({
  finds: findings.map(({ id, severity }) => `${severity} ${id}`),
  works: federationOk,
  publicTester: publicTester.federationOk,
});
const untrusted = (code: string) => ({ ...TLS, untrusted: { code, words: `OpenSSL says ${code}` } });
const EVENT = answered(404, '""');
const signed = (more: object = {}) => ({
  plain: EVENT,
  escaped: EVENT,
  slashes: EVENT,
  malformed: undefined,
  keyFetches: 1,
  ...more,
});
const REJECTED = answered(401, { errcode: 'M_UNAUTHORIZED', error: 'Invalid signature' });
const MALFORMED = answered(400, { errcode: 'M_UNAUTHORIZED', error: 'Malformed Authorization header' });
const six = '2001:db8::1';

interface Row {
  readonly name: string;
  readonly facts: Facts;
  readonly finds: readonly string[];
  readonly works: boolean;
  readonly publicTester?: boolean;
}

const ROWS: readonly Row[] = [
  { name: 'a healthy server', facts: facts(), finds: [], works: true },
  {
    name: 'a name that is none',
    facts: facts({ serverName: bad('"x y" is no server name'), resolution: undefined, addresses: [] }),
    finds: ['error name-invalid'],
    works: false,
  },
  {
    name: 'no time for anything',
    facts: facts({ resolution: undefined, addresses: [], complete: false, took: 30_000 }),
    finds: ['warning test-incomplete'],
    works: false,
  },
  { name: 'nothing asked, nothing wrong', facts: facts({ addresses: [] }), finds: [], works: false },
  {
    name: 'one address good, another not asked in time',
    facts: facts({
      complete: false,
      addresses: [address(), address({ address: '192.0.2.2', keys: undefined, tls: undefined })],
    }),
    finds: ['warning test-incomplete'],
    works: false,
    publicTester: false,
  },
  {
    name: 'half-dead IPv6 is a warning, where the public tester says no',
    facts: facts({ addresses: [address(), dead(six, 'refused')] }),
    finds: ['warning ipv6-dead'],
    works: true,
    publicTester: false,
  },
  {
    name: 'IPv6 that this machine cannot reach is not the server’s fault',
    facts: facts({ addresses: [address(), dead(six, 'unreachable')] }),
    finds: [],
    works: true,
    publicTester: false,
  },
  {
    name: 'only IPv6, and this machine has none',
    facts: facts({ addresses: [dead(six, 'unreachable')] }),
    finds: ['warning connection-unreachable'],
    works: false,
  },
  {
    name: 'IPv4 filtered, IPv6 good',
    facts: facts({ addresses: [dead('192.0.2.1', 'connect-timeout'), address({ address: six })] }),
    finds: ['error ipv4-dead'],
    works: false,
  },
  {
    name: 'everything filtered',
    facts: facts({ addresses: [dead('192.0.2.1', 'connect-timeout')] }),
    finds: ['error connection-timeout'],
    works: false,
  },
  {
    name: 'one address closed, the other filtered',
    facts: facts({ addresses: [dead('192.0.2.1', 'connect-timeout'), dead('192.0.2.2', 'refused')] }),
    finds: ['error connection-timeout', 'error connection-refused'],
    works: false,
  },
  {
    name: 'a second IPv4 address that is dead',
    facts: facts({ addresses: [address(), dead('192.0.2.2', 'refused'), address({ address: six })] }),
    finds: ['warning address-dead'],
    works: true,
    publicTester: false,
  },
  {
    name: 'an AAAA record that leads to a host with another certificate and no Matrix',
    facts: facts({
      addresses: [
        address(),
        address({
          address: six,
          tls: untrusted('HOSTNAME_MISMATCH'),
          certificates: [leaf({ dnsNames: ['hoster.test'] })],
          keys: answered(404, '<html>', { 'Content-Type': 'text/html' }),
        }),
      ],
    }),
    finds: ['error ipv6-elsewhere'],
    works: false,
  },
  {
    name: 'an expired certificate on IPv6 only is no other machine',
    facts: facts({
      addresses: [
        address(),
        address({ address: six, tls: untrusted('CERT_HAS_EXPIRED'), certificates: [leaf({ notAfter: NOW - 1 })] }),
      ],
    }),
    finds: ['error tls-expired'],
    works: false,
  },
  {
    name: 'a public address and a private one',
    facts: facts({ addresses: [address(), address({ address: '10.0.0.1', private: true })] }),
    finds: ['warning address-private'],
    works: true,
    publicTester: true,
  },
  {
    name: 'expired and for another name',
    facts: facts({
      addresses: [
        address({
          tls: untrusted('CERT_HAS_EXPIRED'),
          certificates: [leaf({ notAfter: NOW - DAY, dnsNames: ['other.test'] })],
        }),
      ],
    }),
    finds: ['error tls-expired', 'error tls-wrong-name'],
    works: false,
  },
  {
    name: 'an intermediate that has expired',
    facts: facts({ addresses: [address({ tls: untrusted('CERT_HAS_EXPIRED') })] }),
    finds: ['error tls-expired'],
    works: false,
  },
  {
    name: 'a revoked certificate',
    facts: facts({ addresses: [address({ tls: untrusted('CERT_REVOKED') })] }),
    finds: ['error tls-untrusted'],
    works: false,
  },
  {
    name: 'a staging authority',
    facts: facts({ addresses: [address({ tls: untrusted('UNABLE_TO_GET_ISSUER_CERT_LOCALLY') })] }),
    finds: ['error tls-authority-unknown'],
    works: false,
  },
  {
    name: 'the leaf alone',
    facts: facts({
      addresses: [
        address({ tls: untrusted('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), certificates: [leaf({ issuedByNext: false })] }),
      ],
    }),
    finds: ['error tls-chain-incomplete'],
    works: false,
  },
  {
    name: 'a wildcard certificate',
    facts: facts({
      resolution: resolution({ certificateName: 'm.example.com' }),
      addresses: [address({ certificates: [leaf({ dnsNames: ['*.example.com'] })] })],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'six days of life, half of them over',
    facts: facts({
      addresses: [address({ certificates: [leaf({ notBefore: NOW - 3 * DAY, notAfter: NOW + 3 * DAY })] })],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'a connection that is reset after the handshake',
    facts: facts({ addresses: [address({ keys: failed('reset', TLS) })] }),
    finds: ['error keys-no-answer'],
    works: false,
  },
  {
    name: 'an answer that is no HTTP',
    facts: facts({ addresses: [address({ keys: failed('bad-http', TLS) })] }),
    finds: ['error keys-no-answer'],
    works: false,
  },
  {
    name: 'a proxy error for the version only',
    facts: facts({ addresses: [address({ version: answered(502, '') })] }),
    finds: ['warning version-missing'],
    works: true,
    publicTester: false,
  },
  {
    name: 'a version that is limited (429)',
    facts: facts({ addresses: [address({ version: answered(429, { errcode: 'M_LIMIT_EXCEEDED' }) })] }),
    finds: [],
    works: true,
    publicTester: false,
  },
  {
    name: 'a version that is a page',
    facts: facts({ addresses: [address({ version: answered(200, '<html>') })] }),
    finds: ['warning version-missing'],
    works: true,
    publicTester: false,
  },
  {
    name: 'keys that are refused for now',
    facts: facts({
      addresses: [address({ keys: answered(429, { errcode: 'M_LIMIT_EXCEEDED' }, { 'Retry-After': '60' }) })],
    }),
    finds: ['warning keys-limited'],
    works: false,
  },
  {
    name: 'an error of the homeserver itself for the keys',
    facts: facts({ addresses: [address({ keys: answered(500, { errcode: 'M_UNKNOWN' }) })] }),
    finds: ['error keys-no-answer'],
    works: false,
  },
  {
    name: 'a limit that answers 503 for an event',
    facts: facts({
      addresses: [address({ unsigned: { plain: answered(503, '<html>'), escaped: answered(503, '') } })],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'a clock 31 s ahead',
    facts: facts({ addresses: [address({ skew: 31_000 })] }),
    finds: ['warning clock-skew'],
    works: true,
  },
  { name: 'a clock 29 s behind', facts: facts({ addresses: [address({ skew: -29_000 })] }), finds: [], works: true },
  { name: 'no Date at all', facts: facts({ addresses: [address({ skew: undefined })] }), finds: [], works: true },
  {
    name: 'signed requests that are accepted',
    facts: facts({ identity: 't.test', addresses: [address({ signed: signed() })] }),
    finds: [],
    works: true,
  },
  {
    name: 'a homeserver without that endpoint',
    facts: facts({
      identity: 't.test',
      addresses: [
        address({
          unsigned: {
            plain: answered(404, { errcode: 'M_UNRECOGNIZED' }),
            escaped: answered(404, { errcode: 'M_UNRECOGNIZED' }),
          },
          signed: signed({ plain: answered(404, { errcode: 'M_UNRECOGNIZED' }) }),
        }),
      ],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'odd paths refused with 403 M_FORBIDDEN',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ escaped: answered(403, { errcode: 'M_FORBIDDEN' }) }) })],
    }),
    finds: ['error path-mangled'],
    works: false,
    publicTester: true,
  },
  {
    name: 'an odd path that is answered with 500',
    facts: facts({ identity: 't.test', addresses: [address({ signed: signed({ escaped: answered(503, '') }) })] }),
    finds: [],
    works: true,
  },
  {
    name: 'a firewall page for odd paths, with and without a signature',
    facts: facts({
      identity: 't.test',
      addresses: [
        address({
          unsigned: { plain: UNAUTHORIZED, escaped: answered(403, '<html>') },
          signed: signed({ escaped: answered(403, '<html>') }),
        }),
      ],
    }),
    finds: ['error path-refused'],
    works: false,
    publicTester: true,
  },
  {
    name: 'a signature that is refused, by a server that fetched our keys',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ plain: REJECTED, malformed: MALFORMED }) })],
    }),
    finds: ['error signature-rejected'],
    works: false,
    publicTester: true,
  },
  {
    name: 'a signature that is refused, by a server that could not fetch our keys',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ plain: REJECTED, malformed: MALFORMED, keyFetches: 0 }) })],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'a signature that is refused for want of our keys, which somebody else fetched at the same time',
    facts: facts({
      identity: 't.test',
      addresses: [
        address({
          signed: signed({
            plain: answered(401, { errcode: 'M_UNAUTHORIZED', error: 'Failed to find any key to satisfy: x' }),
            malformed: MALFORMED,
          }),
        }),
      ],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'one answer for all that is unsigned, malformed or signed, by a server that fetched our keys',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ plain: UNAUTHORIZED, malformed: UNAUTHORIZED }) })],
    }),
    finds: ['error signature-rejected'],
    works: false,
    publicTester: true,
  },
  {
    name: 'a large body without a signature that is hung up on',
    facts: facts({ addresses: [address({ body: failed('reset', TLS) })] }),
    finds: ['warning body-limit'],
    works: true,
  },
  {
    name: 'a signature that is refused, and nobody counts who fetched our keys',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ plain: REJECTED, malformed: MALFORMED, keyFetches: undefined }) })],
    }),
    finds: [],
    works: true,
  },
  {
    name: 'one answer for all that is unsigned, malformed or signed',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ plain: UNAUTHORIZED, malformed: UNAUTHORIZED, keyFetches: 0 }) })],
    }),
    finds: ['error authorization-stripped'],
    works: false,
    publicTester: true,
  },
  {
    name: 'a server that does not federate with us',
    facts: facts({
      identity: 't.test',
      addresses: [address({ signed: signed({ plain: answered(403, { errcode: 'M_FORBIDDEN' }), keyFetches: 0 }) })],
    }),
    finds: ['warning federation-denied'],
    works: true,
  },
  {
    name: 'a large body that is too slow',
    facts: facts({ addresses: [address({ body: failed('answer-timeout', TLS) })] }),
    finds: [],
    works: true,
  },
  {
    name: 'a large body that a homeserver refuses with 413',
    facts: facts({ addresses: [address({ body: answered(413, { errcode: 'M_TOO_LARGE' }) })] }),
    finds: ['error body-limit'],
    works: false,
    publicTester: true,
  },
  {
    name: 'a long answer that arrives',
    facts: facts({ addresses: [address({ hold: { asked: 60_000, outcome: answered(200, {}) } })] }),
    finds: [],
    works: true,
  },
  {
    name: 'a long answer that does not',
    facts: facts({ addresses: [address({ hold: { asked: 60_000, outcome: failed('reset', TLS) } })] }),
    finds: ['warning hold-cut'],
    works: true,
  },
  {
    name: 'a web server that does not answer at port 443, while 8448 is good',
    facts: facts({
      resolution: resolution({
        wellKnown: {
          hops: [hop(failed('connect-timeout'))],
          cacheFor: 1,
          result: { ok: false, problem: 'connection', words: 'it did not answer' },
        },
      }),
    }),
    finds: ['warning well-known-no-answer'],
    works: true,
  },
  {
    name: 'nobody at port 443, while 8448 is good',
    facts: facts({
      resolution: resolution({
        wellKnown: {
          hops: [hop(failed('refused'))],
          cacheFor: 1,
          result: { ok: false, problem: 'connection', words: 'nothing listens there' },
        },
      }),
    }),
    finds: [],
    works: true,
  },
  {
    name: 'an untrusted website without a document, while 8448 is good',
    facts: facts({
      resolution: resolution({
        wellKnown: {
          hops: [hop(failed('untrusted'))],
          cacheFor: 1,
          result: { ok: false, problem: 'untrusted', words: 'the certificate has expired' },
        },
      }),
    }),
    finds: ['warning well-known-untrusted'],
    works: true,
  },
  {
    name: 'a tester that may not ask private addresses',
    facts: facts({
      resolution: resolution({
        wellKnown: {
          hops: [],
          cacheFor: 1,
          result: { ok: false, problem: 'private-address', words: 'no public address' },
        },
      }),
      addresses: [
        address({
          ...dead('10.0.0.1', 'refused'),
          private: true,
          refused: '10.0.0.1 is of a private network',
          keys: undefined,
        }),
      ],
    }),
    finds: ['error address-private'],
    works: false,
  },
];

describe('the verdict on what was seen', () => {
  it.each(ROWS)('$name', ({ facts: given, finds, works, publicTester }) => {
    const verdict = judged(given);
    expect(summary(verdict)).toEqual({ finds, works, publicTester: publicTester ?? works });
    expect(verdict.publicTester.differs === undefined).toBe(verdict.publicTester.federationOk === works);
    for (const { evidence, fix, title, id } of verdict.findings) {
      expect([id, evidence.length > 0, fix.length > 20, title]).toEqual([id, true, true, FINDING_KINDS[id].title]);
    }
  });

  it('is the same whenever it is asked for', () => {
    const given = facts({ addresses: [dead('192.0.2.1', 'refused')] });
    expect(judged(given)).toEqual(judged(given));
  });

  it('allows private addresses where nobody else shall reach them', () => {
    const given = facts({ addresses: [address({ address: '10.0.0.1', private: true })] });
    expect([judged(given, 'private').federationOk, judged(given, 'public').federationOk]).toEqual([true, false]);
  });

  it('collects what several addresses have in common into one finding', () => {
    const addresses = Array.from({ length: 12 }, (_, index) => dead(`192.0.2.${index}`, 'refused'));
    const { findings } = judged(facts({ addresses }));
    expect(findings).toHaveLength(1);
    expect(findings[0]!.evidence).toHaveLength(9);
    expect(findings[0]!.evidence.at(-1)).toBe('and 4 more');
  });
});

describe('the typical complaints', () => {
  it('"401: Unauthorized" when joining is explained by whatever keeps others from reaching us', () => {
    const { findings } = judged(facts({ addresses: [dead('192.0.2.1', 'connect-timeout')] }));
    expect(findings[0]!.explains).toEqual(['401-on-join', 'others-cannot-join']);
    expect(SYMPTOMS[findings[0]!.explains[0]!]).toContain('401: Unauthorized');
  });

  it('invitations that cannot be accepted are explained by a proxy that changes paths', () => {
    const mangled = signed({ escaped: REJECTED });
    const { findings } = judged(facts({ identity: 't.test', addresses: [address({ signed: mangled })] }));
    expect(findings.map(({ id, explains }) => [id, explains])).toEqual([['path-mangled', ['others-cannot-join']]]);
  });

  it('what is only a warning explains neither', () => {
    const { findings } = judged(facts({ addresses: [address(), dead('192.0.2.2', 'refused')] }));
    expect(findings.map(({ explains }) => explains)).toEqual([[]]);
  });
});

describe('what could not be tested', () => {
  const notTested = (given: Facts) => judged(given).notTested.map(({ what, why }) => `${what}: ${why}`);

  it('is said with the reason, without an identity', () => {
    expect(notTested(facts())).toEqual([
      'signed requests: they need a server name of our own, whose keys the other server can fetch (--sign, or --identity and --key)',
      'a request that takes long: no endpoint of that server is known to take its time',
    ]);
  });

  it('is said when the other server could not fetch our keys', () => {
    const refused = signed({ plain: REJECTED, malformed: MALFORMED, keyFetches: 0 });
    const given = facts({ identity: 't.test', addresses: [address({ signed: refused })] });
    expect(notTested(given)).toContain('signed requests: the other server could not fetch the keys of t.test');
  });

  it('is said of IPv6 on a machine without it, and of a large body that took too long', () => {
    const slow = address({ body: failed('answer-timeout', TLS) });
    expect(notTested(facts({ addresses: [slow, dead(six, 'unreachable')] }))).toEqual(
      expect.arrayContaining([
        '[2001:db8::1]:8448: this machine cannot reach IPv6 addresses, or not that one',
        'a large request: it failed (answer-timeout)',
      ]),
    );
  });
});

describe('the first and the last line', () => {
  it.each([
    [facts(), `Federation with ${NAME} works.`, 'Nothing to do.'],
    [facts({ addresses: [] }), `Whether federation with ${NAME} works could not be found out.`, 'Test again'],
    [
      facts({ resolution: undefined, addresses: [], complete: false }),
      `Whether federation with ${NAME} works could not be found out: not everything could be tested in time.`,
      'To do: Look at what is slow',
    ],
    [
      facts({ addresses: [dead('192.0.2.1', 'refused')] }),
      `Federation with ${NAME} does not work: nothing listens where other servers are sent to.`,
      'To do: Start what should listen there',
    ],
    [
      facts({ addresses: [address(), dead(six, 'refused')] }),
      `Federation with ${NAME} works, but IPv6 does not work, IPv4 does.`,
      'To do: Make the server answer over IPv6',
    ],
  ])('say what is the case and what to do', (given, first, last) => {
    const verdict = judged(given);
    expect(verdict.firstLine).toBe(first);
    expect(verdict.lastLine).toContain(last);
  });
});
