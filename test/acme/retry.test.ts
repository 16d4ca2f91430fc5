import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IssuanceFailed } from '../../src/acme/issuance-failed.ts';
import { AcmeProblem, type ProblemDocument } from '../../src/acme/problem.ts';
import { judgeProblem, listFailedNames, readRetryDate } from '../../src/acme/problem-kind.ts';
import { readFailure } from '../../src/acme/read-failure.ts';
import { decideNextAttempt, LONGEST_WAIT, RETRY_CURVE } from '../../src/acme/retry.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { DAY, HOUR, MINUTE, middle, problem, T0 } from './ledger-facts.ts';

const waitAfter = (failures: number, said?: ProblemDocument, retryAfter?: number, random = middle) =>
  decideNextAttempt({ failures, problem: said, retryAfter }, T0, random).at - T0;

describe('the next attempt', () => {
  it.each([
    [1, MINUTE],
    [2, 2 * MINUTE],
    [3, 5 * MINUTE],
    [4, 10 * MINUTE],
    [5, 20 * MINUTE],
    [6, 30 * MINUTE],
    [7, HOUR],
    [8, 2 * HOUR],
    [9, 3 * HOUR],
    [10, 6 * HOUR],
    [11, 6 * HOUR],
    [1_000, 6 * HOUR],
  ])('after failure %i of validation comes after the curve', (failures, wait) => {
    for (const type of ['dns', 'connection', 'incorrectResponse', 'unauthorized', 'tls']) {
      expect(waitAfter(failures, problem(type))).toBe(wait);
    }
    expect(waitAfter(failures)).toBe(wait);
  });

  it.each([
    ['two days', 48 * HOUR, 6 * HOUR],
    ['a day', 24 * HOUR, 3 * HOUR],
    ['seven hours', 7 * HOUR, 52.5 * MINUTE],
    ['an hour', HOUR, 15 * MINUTE],
    ['a minute', MINUTE, 15 * MINUTE],
    ['an end an hour ago', -HOUR, 15 * MINUTE],
    ['an end a day ago', -24 * HOUR, 3 * HOUR],
    ['an end long ago', -300 * HOUR, 6 * HOUR],
  ])('does not wait for long with %s left of the certificate in use', (_, left, wait) => {
    const expires = T0 + left;
    const waited = (said?: ProblemDocument) =>
      decideNextAttempt({ failures: 40, problem: said, expires }, T0, middle).at - T0;
    for (const type of ['dns', 'unauthorized', 'caa', 'local-failure']) expect(waited(problem(type))).toBe(wait);
    expect(waited()).toBe(wait);
    expect(waited(problem('serverInternal'))).toBe(Math.min(wait, 30 * MINUTE));
    // What the CA says comes first, and so does the curve where it is shorter.
    expect(decideNextAttempt({ failures: 1, problem: problem('dns'), expires }, T0, middle).at - T0).toBe(MINUTE);
    expect(waited(problem('rateLimited'))).toBe(6 * HOUR);
    expect(
      decideNextAttempt({ failures: 40, problem: problem('dns'), retryAfter: 86_400, expires }, T0, middle).at - T0,
    ).toBe(DAY);
  });

  it('near the end of a certificate fails no more than five times an hour, and some sixty times in all', () => {
    const expires = T0 + 2 * DAY;
    const at: number[] = [];
    for (let now = T0; now < T0 + 4 * DAY; ) {
      at.push(now);
      // The shortest that the dice give.
      now = decideNextAttempt({ failures: 40, problem: problem('dns'), expires }, now, () => 0).at;
    }
    const inAnHour = at.map((from) => at.filter((one) => one >= from && one < from + HOUR).length);
    expect(Math.max(...inAnHour)).toBe(5);
    expect(at.length).toBeLessThan(90);
  });

  it.each([
    ['serverInternal', problem('serverInternal', { status: 500 })],
    ['a 503', problem('about:blank', { status: 503 })],
    ['no connection', problem('unreachable', { status: 0 })],
    ['a nonce that was bad', problem('badNonce')],
    ['another type', problem('urn:example:other')],
  ])("stays at the fast end of the curve while it is the CA's trouble: %s", (_, said) => {
    expect([1, 2, 6, 7, 100].map((failures) => waitAfter(failures, said))).toEqual(
      [1, 2, 30, 30, 30].map((minutes) => minutes * MINUTE),
    );
  });

  it.each([
    ['rejectedIdentifier', /use another name, or another CA/],
    ['caa', /CAA records/],
    ['badPublicKey', /another type of key/],
    ['unsupportedIdentifier', /another CA or profile/],
    ['externalAccountRequired', /key id and HMAC key/],
    ['userActionRequired', /page that the CA names/],
    ['invalidContact', /acme\.email/],
  ])('is slow after %s, and says what to change', (type, advice) => {
    expect(waitAfter(1, problem(type))).toBe(6 * HOUR);
    const { why } = decideNextAttempt({ failures: 1, problem: problem(type) }, T0, middle);
    expect(why).toMatch(/^This does not pass by itself/);
    expect(why).toMatch(advice);
    expect(why).toContain(`about ${type}`);
  });

  it.each([
    ['in seconds', 7_200, 'too many', 2 * HOUR],
    ['in its words', undefined, 'too many; retry after 2026-06-01 04:00:00 UTC: see the page', 4 * HOUR],
    ['in its words, as RFC 3339', undefined, 'retry after 2026-06-01T04:00:00Z', 4 * HOUR],
    ['in both: the header counts', 7_200, 'retry after 2026-06-01 04:00:00 UTC', 2 * HOUR],
    ['beyond all measure', 1e12, 'too many', LONGEST_WAIT],
  ])("is not before the CA's own date, given %s", (_, retryAfter, detail, wait) => {
    const said = problem('rateLimited', { detail, status: 429 });
    expect(waitAfter(1, said, retryAfter, () => 0)).toBe(wait);
    const latest = waitAfter(1, said, retryAfter, () => 0.999);
    expect(latest).toBeGreaterThanOrEqual(wait);
    expect(latest).toBeLessThanOrEqual(wait + MINUTE);
  });

  it('says what to correct where there is no directory, and looks again soon', () => {
    const said = problem('no-directory', { detail: 'https://ca.example/acme answers with a web page', status: 200 });
    expect(waitAfter(10, said)).toBe(30 * MINUTE);
    expect(decideNextAttempt({ failures: 1, problem: said }, T0, middle).why).toMatch(
      /^There is no CA where .*\(no-directory: https:\/\/ca\.example\/acme answers .*\)\. Set acme\.directory .*\. Next attempt after 1 minute\.$/,
    );
  });

  it('waits at least an hour for a limit without a date', () => {
    expect(waitAfter(1, problem('rateLimited'))).toBe(HOUR);
    expect(waitAfter(10, problem('rateLimited'))).toBe(6 * HOUR);
  });

  it('does not come back before Retry-After, whatever the problem', () => {
    for (const type of ['serverInternal', 'dns', 'caa']) {
      expect(waitAfter(1, problem(type), 86_400, () => 0)).toBe(DAY);
      expect(waitAfter(10, problem(type), 1)).toBeGreaterThan(MINUTE);
    }
  });

  it('waits a day for a name that the CA has paused, and says what to do there', () => {
    const detail =
      'Your account is temporarily prevented from requesting certificates for example.com. Please visit: https://portal.example/unpause?jwt=x';
    const { at, why } = decideNextAttempt({ failures: 3, problem: problem('rateLimited', { detail }) }, T0, middle);
    expect(at - T0).toBe(DAY);
    expect(why).toMatch(/paused .*https:\/\/portal\.example.*certs renew/s);
  });

  it('is always in the future and never further away than 30 days, with a reason that is a sentence', () => {
    const types = fc.constantFrom(
      'dns',
      'caa',
      'rateLimited',
      'serverInternal',
      'local-failure',
      'toString',
      '__proto__',
    );
    fc.assert(
      fc.property(
        fc.double(),
        fc.option(fc.record({ type: types, detail: fc.string(), status: fc.nat(), subproblems: fc.constant([]) }), {
          nil: undefined,
        }),
        fc.option(fc.double(), { nil: undefined }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, said, retryAfter, random) => {
          const { at, why } = decideNextAttempt({ failures, problem: said, retryAfter }, T0, () => random);
          expect(Number.isSafeInteger(at)).toBe(true);
          expect(at).toBeGreaterThan(T0);
          expect(at).toBeLessThanOrEqual(T0 + LONGEST_WAIT);
          expect(why).toMatch(/\.$/);
        },
      ),
    );
  });

  it('spreads attempts by 15 percent to both sides', () => {
    const all = [0, 0.25, 0.75, 0.999999].map((random) => waitAfter(7, problem('dns'), undefined, () => random) / HOUR);
    expect(all[0]).toBe(0.85);
    expect(all[3]).toBeCloseTo(1.15, 3);
    expect(RETRY_CURVE).toHaveLength(10);
  });
});

describe('what a problem is', () => {
  const about = (type: string, value: string) => problem(type, { identifier: { type: 'dns', value } });
  it.each([
    [
      'the worst of the subproblems counts',
      problem('compound', { subproblems: [problem('dns'), problem('caa')] }),
      'needs-change',
    ],
    ['one validation among others', problem('compound', { subproblems: [problem('dns')] }), 'validation'],
    ['a limit', problem('rateLimited'), 'rate-limited'],
    ['a pause', problem('rateLimited', { detail: 'visit https://x/unpause' }), 'paused'],
    ['not a pause, whatever the words', problem('dns', { detail: 'unpause' }), 'validation'],
    ['our own', problem('local-failure'), 'local'],
  ])('%s', (_, said, kind) => {
    expect(judgeProblem(said).kind).toBe(kind);
  });

  const names = ['a.example', '*.b.example', '192.0.2.1'];
  it.each([
    ['all, where none is named', problem('connection'), names],
    ['those named in subproblems', problem('compound', { subproblems: [about('dns', 'b.example')] }), ['*.b.example']],
    ['the one that it is about', about('unauthorized', 'a.example'), ['a.example']],
    ["none, where it is the CA's trouble", problem('serverInternal'), []],
    ['none, where a limit is reached', about('rateLimited', 'a.example'), []],
    ['none, where it is ours', problem('local-failure'), []],
    ['all, where CAA forbids it', problem('caa'), names],
    ['none, where the account is refused', problem('externalAccountRequired'), []],
  ])('the names that failed: %s', (_, said, failed) => {
    expect(listFailedNames(said, names)).toEqual(failed);
  });

  it.each(['', 'retry after tomorrow', 'retry after 2026-13-01 00:00:00 UTC'])('reads no date in %j', (detail) => {
    expect(readRetryDate(detail)).toBeUndefined();
  });
});

describe('what the ledger keeps of a failure', () => {
  it("is the CA's problem with its Retry-After", () => {
    const failure = readFailure(new AcmeProblem(problem('rateLimited'), 'The CA refused the order', 60));
    expect(failure).toEqual({ problem: problem('rateLimited'), retryAfter: 60, challenges: [] });
  });

  it('is one problem with a subproblem for each name that the CA could not validate', () => {
    const solver = new SidecarError('The zone cannot be changed.', { code: 'x', blame: 'operator' });
    const said = new AcmeProblem(problem('dns'), 'no');
    const failure = readFailure(
      new IssuanceFailed([
        { name: 'a.example', challenge: 'dns-01', error: solver },
        { name: 'a.example', challenge: 'http-01', error: said },
        { name: '*.b.example', challenge: 'dns-01', error: said },
      ]),
    );
    expect(failure.challenges.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'a.example dns-01',
      'a.example http-01',
      '*.b.example dns-01',
    ]);
    expect(listFailedNames(failure.problem, ['a.example', '*.b.example', 'c.example'])).toEqual([
      'a.example',
      '*.b.example',
    ]);
    expect(judgeProblem(failure.problem).kind).toBe('validation');
  });

  it('is ours where the CA never looked', () => {
    const solver = new SidecarError('The zone cannot be changed.', { code: 'x', blame: 'operator' });
    const failures = [{ name: 'a.example', challenge: 'dns-01' as const, error: solver }];
    for (const error of [new IssuanceFailed(failures), solver, 'anything']) {
      expect(judgeProblem(readFailure(error).problem).kind).toBe('local');
    }
    expect(readFailure(solver).problem.detail).toBe('The zone cannot be changed.');
    expect(readFailure(new IssuanceFailed(failures)).challenges).toEqual([{ name: 'a.example', type: 'dns-01' }]);
  });
});
