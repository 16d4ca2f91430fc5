import { describe, expect, it } from 'vitest';
import { AcmeProblem } from '../../src/acme/problem.ts';
import type { Fault } from '../harness/scripted-ca.ts';
import { problem } from '../harness/scripted-rules.ts';
import { failureOf, NEVER, withCa } from './open-ca.ts';

const IDENTIFIERS = [{ type: 'dns' as const, value: 'a.test' }];
const order = { identifiers: IDENTIFIERS };

async function problemOf(work: Promise<unknown>): Promise<AcmeProblem> {
  const error = await failureOf(work);
  expect(error).toBeInstanceOf(AcmeProblem);
  return error as AcmeProblem;
}

describe('a refusal', () => {
  const date = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();
  const refusals = [
    [
      '429 with seconds',
      () => problem(429, 'rateLimited', 'too many certificates', {}, { 'retry-after': '86400' }),
      86_400,
    ],
    ['429 with a date', () => problem(429, 'rateLimited', 'too many', {}, { 'retry-after': date(7_200) }), 7_200],
    ['503 with seconds', () => ({ status: 503, headers: { 'retry-after': '120' }, body: 'Service busy' }), 120],
    ['503 with a date in the past', () => ({ status: 503, headers: { 'retry-after': date(-60) } }), 0],
    ['503 with nonsense', () => ({ status: 503, headers: { 'retry-after': 'soon' } }), undefined],
    ['403 without anything', () => ({ status: 403 }), undefined],
  ] as const;
  it.each(refusals)(
    'of an order by %s keeps status, type and Retry-After, and is not repeated',
    async (_, answer, seconds) => {
      await withCa(async ({ scripted, ca }) => {
        const told = answer();
        scripted.script('new-order', { answer: told });
        const error = await problemOf(ca.newOrder(order, NEVER));
        expect(error).toMatchObject({ code: 'acme-refused', blame: 'remote', problem: { status: told.status } });
        if (seconds === undefined) expect(error.retryAfter).toBeUndefined();
        else expect(Math.abs(error.retryAfter! - seconds)).toBeLessThanOrEqual(2);
        expect(error.problem.type).toBe(told.status === 429 ? 'rateLimited' : 'about:blank');
        expect(error.message).toMatch(/^The CA at localhost:\d+ refused the order: ./);
        expect(scripted.count('new-order')).toBe(1);
      });
    },
  );

  it('measures a date by the clock of the CA where it shows it', async () => {
    await withCa(async ({ scripted, ca }) => {
      const headers = { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun Nov  6 08:50:37 1994' };
      scripted.script('new-order', { answer: problem(429, 'rateLimited', 'no', {}, headers) });
      expect((await problemOf(ca.newOrder(order, NEVER))).retryAfter).toBe(60);
    });
  });

  it('of several names keeps what the CA said of each, and says it', async () => {
    await withCa(async ({ scripted, ca }) => {
      const subproblems = [
        {
          type: 'urn:ietf:params:acme:error:rejectedIdentifier',
          detail: 'policy',
          identifier: { type: 'dns', value: 'a.test' },
        },
        { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA forbids', identifier: { type: 'dns', value: 'b.test' } },
        'garbage',
      ];
      scripted.script('new-order', {
        answer: problem(403, 'rejectedIdentifier', 'Some were\nrejected\u001b[31m', { subproblems }),
      });
      const error = await problemOf(ca.newOrder(order, NEVER));
      expect(error.message).toMatch(
        /refused the order \(a\.test: policy; b\.test: CAA forbids\): Some were rejected \[31m$/,
      );
      expect(error.problem.subproblems).toMatchObject([
        { type: 'rejectedIdentifier', identifier: { value: 'a.test' } },
        { type: 'caa', identifier: { value: 'b.test' } },
      ]);
    });
  });

  it('of a paused account keeps the page to open', async () => {
    await withCa(async ({ scripted, ca }) => {
      const detail =
        'Your account is temporarily prevented from requesting certificates for a.test: https://ca.test/unpause';
      scripted.script('new-order', { answer: problem(429, 'rateLimited', detail) });
      const error = await problemOf(ca.newOrder(order, NEVER));
      expect(error.problem).toMatchObject({ type: 'rateLimited', detail });
      expect(error.retryAfter).toBeUndefined();
    });
  });
});

describe('a nonce', () => {
  it('that is refused is replaced by a fresh one, never sent again', async () => {
    await withCa(async ({ scripted, ca }) => {
      await ca.account(NEVER);
      scripted.refuseNonces(8);
      const made = await ca.newOrder(order, NEVER);
      expect(made.status).toBe('pending');
      const nonces = scripted.seen.flatMap(({ nonce }) => nonce ?? []);
      expect(scripted.seen.filter(({ step }) => step === 'new-order')).toHaveLength(9);
      expect(new Set(nonces).size).toBe(nonces.length);
    });
  });

  it('that is refused again and again ends the request, after as many requests as promised, the later ones spaced out', async () => {
    await withCa(async ({ scripted, ca }) => {
      await ca.account(NEVER);
      scripted.refuseNonces(1_000);
      const error = await problemOf(ca.newOrder(order, NEVER));
      expect(error.problem).toMatchObject({ type: 'badNonce', status: 400 });
      expect(scripted.count('new-order')).toBe(21);
    });
  });

  it('comes with the answer before, so that it is seldom asked for', async () => {
    await withCa(async ({ scripted, ca }) => {
      const made = await ca.newOrder(order, NEVER);
      for (let read = 0; read < 5; read++) await ca.readOrder(made.url, NEVER);
      expect(scripted.count('nonce')).toBe(1);
    });
  });

  it('that a CA does not give, or gives with an error, is a problem with its reason', async () => {
    await withCa(async ({ scripted, ca }) => {
      const nothing: Fault = { rewrite: () => ({ status: 200, headers: { 'replay-nonce': 'not base64url!' } }) };
      scripted.script('nonce', nothing, nothing, { answer: { status: 503, headers: { 'retry-after': '33' } } });
      expect((await problemOf(ca.account(NEVER))).message).toContain('it has no new nonce');
      expect(await problemOf(ca.account(NEVER))).toMatchObject({ retryAfter: 33, problem: { status: 503 } });
    });
  });
});

describe('a request', () => {
  it.each(['directory', 'nonce', 'new-account', 'new-order'] as const)(
    'that hangs at %s ends at once when it is aborted, with the reason',
    async (step) => {
      await withCa(async ({ scripted, ca }) => {
        scripted.script(step, 'hang', 'hang');
        const stop = new AbortController();
        const reason = new Error('the sidecar stops');
        const began = performance.now();
        setTimeout(() => stop.abort(reason), 150);
        expect(await failureOf(ca.newOrder(order, stop.signal))).toBe(reason);
        expect(performance.now() - began).toBeLessThan(1_000);
      });
    },
  );

  it('is not even begun when its signal was aborted before', async () => {
    await withCa(async ({ scripted, ca }) => {
      const reason = new Error('stopped before');
      expect(await failureOf(ca.directory(AbortSignal.abort(reason)))).toBe(reason);
      expect(scripted.seen).toEqual([]);
    });
  });

  it('that only reads is sent again when the connection is cut; one that changes something is not', async () => {
    await withCa(async ({ scripted, ca }) => {
      const made = await ca.newOrder(order, NEVER);
      scripted.script('order', 'cut');
      expect((await ca.readOrder(made.url, NEVER)).status).toBe('pending');
      scripted.script('order', 'cut', 'cut');
      expect((await problemOf(ca.readOrder(made.url, NEVER))).problem.type).toBe('connection-cut');
      scripted.script('new-order', 'cut-after-work');
      expect((await problemOf(ca.newOrder(order, NEVER))).problem.type).toBe('connection-cut');
      expect(scripted.orders.made).toHaveLength(2);
    });
  });
});
