import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CaAnswer } from '../../src/acme/ca-answer.ts';
import { parseChain, readLinks } from '../../src/acme/certificate-chain.ts';
import { parseDirectory } from '../../src/acme/directory.ts';
import { identifierOf, parseAuthorization, parseChallenge, parseOrder } from '../../src/acme/order.ts';
import { AcmeProblem } from '../../src/acme/problem.ts';
import { parseRenewalInfo } from '../../src/acme/renewal-info.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');

function answerOf(body: unknown, headers: Readonly<Record<string, string>> = {}): CaAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { url: 'https://ca.test/x/y', status: 200, body: text, header: (name) => headers[name] };
}

const ORDER = {
  status: 'pending',
  expires: '2026-06-08T00:00:00Z',
  identifiers: [
    { type: 'dns', value: '*.Example.test' },
    { type: 'ip', value: '2001:DB8::1' },
  ],
  authorizations: ['https://ca.test/authz/1', 'https://ca.test/authz/2'],
  finalize: 'https://ca.test/finalize/1',
};
const CHALLENGE = { type: 'http-01', url: 'https://ca.test/chall/1', status: 'pending', token: 'abc-_123' };
const AUTHORIZATION = {
  status: 'pending',
  identifier: { type: 'dns', value: 'example.test' },
  wildcard: true,
  challenges: [CHALLENGE, { ...CHALLENGE, type: 'of-the-future', token: undefined }],
};

describe('an order', () => {
  it('is read as RFC 8555 has it, with Retry-After from its answer', () => {
    expect(parseOrder(answerOf(ORDER, { 'retry-after': '7' }), 'https://ca.test/order/1', NOW)).toEqual({
      url: 'https://ca.test/order/1',
      status: 'pending',
      expires: Date.parse('2026-06-08T00:00:00Z'),
      identifiers: [
        { type: 'dns', value: '*.example.test' },
        { type: 'ip', value: '2001:db8::1' },
      ],
      authorizations: ORDER.authorizations,
      finalize: ORDER.finalize,
      certificate: undefined,
      error: undefined,
      profile: undefined,
      retryAfter: 7,
    });
  });

  it.each([
    ['an unknown status', { status: 'lost' }, 'status is none of pending, ready'],
    ['no identifiers', { identifiers: undefined }, 'identifiers is no list'],
    [
      'too many authorizations',
      { authorizations: Array(101).fill('https://ca.test/') },
      'authorizations has more than 100',
    ],
    ['a number for an authorization', { authorizations: [7] }, 'authorizations[0] is no text'],
    ['a password in a URL', { finalize: 'https://u:p@ca.test/' }, 'finalize is a URL with a password'],
    [
      'a URL without end',
      { finalize: `https://ca.test/${'x'.repeat(3_000)}` },
      'finalize is empty or has more than 2048',
    ],
    [
      'a name with a newline',
      { identifiers: [{ type: 'dns', value: 'a\nb' }] },
      'identifiers[0].value has control characters',
    ],
    ['a name with a slash', { identifiers: [{ type: 'dns', value: '../a' }] }, 'identifiers[0].value is no name'],
    [
      'another kind of name',
      { identifiers: [{ type: 'email', value: 'a' }] },
      'identifiers[0].type is none of dns, ip',
    ],
    ['a date that is none', { expires: 'tomorrow' }, 'expires is no date'],
  ])('with %s makes no sense, and the member is named', (_, change, why) => {
    const parse = () => parseOrder(answerOf({ ...ORDER, ...change }), 'https://ca.test/order/1', NOW);
    expect(parse).toThrow(AcmeProblem);
    expect(parse).toThrow(why);
  });

  it('names wildcards, IPv4 and IPv6 as the RFCs have them', () => {
    expect(['*.A.test', '192.0.2.1', '[2001:DB8:0:0::1]'].map(identifierOf)).toEqual([
      { type: 'dns', value: '*.a.test' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8::1' },
    ]);
  });
});

describe('an authorization', () => {
  it('is read with challenges of types that nobody knows yet', () => {
    const parsed = parseAuthorization(answerOf(AUTHORIZATION), 'https://ca.test/authz/1', NOW);
    expect(parsed).toMatchObject({ status: 'pending', wildcard: true, identifier: { value: 'example.test' } });
    expect(parsed.challenges).toMatchObject([
      { type: 'http-01', token: 'abc-_123', issuerDomainNames: [] },
      { type: 'of-the-future', token: undefined },
    ]);
  });

  it('is read with dns-persist-01, which has issuers and no token', () => {
    const persist = {
      type: 'dns-persist-01',
      url: CHALLENGE.url,
      status: 'pending',
      'issuer-domain-names': ['CA.test'],
    };
    expect(parseChallenge(answerOf(persist))).toMatchObject({ token: undefined, issuerDomainNames: ['ca.test'] });
  });

  it.each(['../../etc/passwd', 'a/b', 'a.b', 'a b', '%2e', 'x'.repeat(513)])('does not take the token %j', (token) => {
    const answer = answerOf({ ...AUTHORIZATION, challenges: [{ ...CHALLENGE, token }] });
    expect(() => parseAuthorization(answer, 'https://ca.test/authz/1', NOW)).toThrow(/challenges\[0\]\.token/);
  });

  it('does not take an issuer that would be more than a name in a TXT record', () => {
    const persist = { ...CHALLENGE, 'issuer-domain-names': ['ca.test"; policy=wildcard'] };
    expect(() => parseChallenge(answerOf(persist))).toThrow('issuer-domain-names[0] is no host name');
  });
});

describe('advice on renewal', () => {
  const WINDOW = { start: '2026-06-02T00:00:00Z', end: '2026-06-03T00:00:00+00:00' };
  it('is a window, a Retry-After and a page', () => {
    const body = { suggestedWindow: WINDOW, explanationURL: 'https://ca.test/why' };
    expect(parseRenewalInfo(answerOf(body, { 'retry-after': '21600' }), NOW)).toEqual({
      start: NOW + 86_400_000,
      end: NOW + 2 * 86_400_000,
      retryAfter: 21_600,
      explanationUrl: 'https://ca.test/why',
    });
    const bare = { suggestedWindow: WINDOW, explanationURL: 'javascript:alert(1)' };
    expect(parseRenewalInfo(answerOf(bare), NOW)).toMatchObject({ retryAfter: undefined, explanationUrl: undefined });
  });

  it.each([
    ['ends as it starts', { start: WINDOW.start, end: WINDOW.start }],
    ['ends before it starts', { start: WINDOW.end, end: WINDOW.start }],
  ])('with a window that %s is no advice, but its Retry-After counts', (_, suggestedWindow) => {
    const parse = () => parseRenewalInfo(answerOf({ suggestedWindow }, { 'retry-after': '600' }), NOW);
    expect(parse).toThrow(
      expect.objectContaining({ retryAfter: 600, problem: expect.objectContaining({ type: 'malformed-answer' }) }),
    );
  });
});

describe('a Link header', () => {
  it.each([
    ['<https://ca.test/1>;rel="alternate"', ['https://ca.test/1']],
    [
      '<https://ca.test/dir>; rel="index", <https://ca.test/1>; title="a, b"; rel=alternate, </2>;rel="up Alternate"',
      ['https://ca.test/1', 'https://ca.test/2'],
    ],
    ['<http://ca.test/1>;rel="alternate", <https://ca.test/2>', []],
    ['garbage;;;<<>>', []],
    ['', []],
  ])('%j leads to %j', (link, urls) => {
    expect(readLinks(answerOf('', { link }), 'alternate')).toEqual(urls);
  });

  it('takes no time to read, whatever is in it', () => {
    const began = performance.now();
    readLinks(answerOf('', { link: `<a>${';a=b '.repeat(50_000)}` }), 'alternate');
    readLinks(answerOf('', { link: '<'.repeat(100_000) }), 'alternate');
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('whatever a CA sends', () => {
  const parsers: Readonly<Record<string, (answer: CaAnswer) => unknown>> = {
    order: (answer) => parseOrder(answer, 'https://ca.test/1', NOW),
    authorization: (answer) => parseAuthorization(answer, 'https://ca.test/1', NOW),
    challenge: parseChallenge,
    directory: parseDirectory,
    'renewal info': (answer) => parseRenewalInfo(answer, NOW),
    chain: parseChain,
  };
  const valid = [ORDER, AUTHORIZATION, CHALLENGE];
  const bodies = fc.oneof(
    fc.string(),
    fc.json(),
    // A valid one with one member replaced by anything.
    fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.jsonValue()).map(([base, at, value]) => {
      const keys = Object.keys(base);
      return JSON.stringify({ ...base, [keys[at % keys.length]!]: value });
    }),
  );
  it.each(Object.entries(parsers))('as %s is read, or refused as malformed', (_, parse) => {
    fc.assert(
      fc.property(bodies, fc.string(), (body, header) => {
        try {
          parse(answerOf(body, { 'retry-after': header }));
        } catch (error) {
          expect(error).toBeInstanceOf(AcmeProblem);
          expect((error as AcmeProblem).problem.type).toBe('malformed-answer');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of profiles is their names, without what JavaScript would trip over', () => {
    const urls = { newNonce: 'https://a.test/', newAccount: 'https://a.test/', newOrder: 'https://a.test/' };
    const body = `{"meta":{"profiles":{"__proto__":"x","shortlived":"six days","a b":"no"}},${JSON.stringify(urls).slice(1)}`;
    const { profiles } = parseDirectory(answerOf(body));
    expect(Object.entries(profiles)).toEqual([['shortlived', 'six days']]);
    expect(Object.getPrototypeOf(profiles)).toBe(Object.prototype);
  });
});
