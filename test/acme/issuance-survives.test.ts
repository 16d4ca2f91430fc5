import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyType } from '../../src/acme/certificate-key.ts';
import { issueCertificate } from '../../src/acme/issue-certificate.ts';
import { AcmeProblem } from '../../src/acme/problem.ts';
import type { System } from '../../src/base/system.ts';
import type { Fault, Step } from '../harness/scripted-ca.ts';
import { problem, type Rules } from '../harness/scripted-rules.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { createNotingSolver, failureOf, NEVER, type OpenedCa, withCa } from './open-ca.ts';

function issue(
  opened: OpenedCa,
  solver = createNotingSolver('http-01'),
  system: System = hurriedSystem,
  signal = NEVER,
) {
  const request = { names: ['a.test'], keyType: 'ecdsa-p256' as KeyType, challengeOrder: ['http-01' as const] };
  return issueCertificate(
    request,
    { ca: opened.ca, solvers: new Map([['http-01', solver]]), system, log: opened.log },
    signal,
  );
}

/** Notes how long was waited for, and hardly waits. */
function createImpatientSystem(): System & { readonly waits: number[] } {
  const waits: number[] = [];
  let skipped = 0;
  return {
    ...hurriedSystem,
    waits,
    monotonic: () => performance.now() + skipped,
    setTimer(ms, fn) {
      return hurriedSystem.setTimer(1, () => {
        waits.push(ms);
        skipped += ms;
        fn();
      });
    },
  };
}

describe('an issuance survives', () => {
  const busy: Fault = { answer: { status: 503, headers: { 'retry-after': '1' }, body: 'busy' } };
  const ill: Fault = { answer: { status: 500 } };
  const slowDown: Fault = { answer: problem(429, 'rateLimited', 'slow down', {}, { 'retry-after': '2' }) };
  const survivable: readonly (readonly [string, Step, readonly Fault[]])[] = [
    ['a cut before the directory', 'directory', ['cut']],
    ['a cut before an authorization is shown', 'authz', ['cut', 'cut', 'cut']],
    ['a cut in the middle of an authorization', 'authz', ['cut-in-the-middle']],
    ['503 for an authorization', 'authz', [busy, busy]],
    ['429 for an authorization', 'authz', [slowDown]],
    ['a cut before the challenge starts', 'challenge', ['cut']],
    ['a cut after the challenge has started', 'challenge', ['cut-after-work']],
    ['503 for the challenge', 'challenge', [busy]],
    ['a cut before the order is shown', 'order', ['cut', 'cut']],
    ['500 for the order', 'order', [ill]],
    ['a cut before the request for the certificate', 'finalize', ['cut']],
    ['a cut after the request for the certificate', 'finalize', ['cut-after-work']],
    ['503 for the request for the certificate', 'finalize', [busy]],
    [
      'an order that is not ready yet when it is finalized',
      'finalize',
      [{ answer: problem(403, 'orderNotReady', 'wait') }],
    ],
    ['a cut before the certificate', 'cert', ['cut', 'cut']],
    ['half of a certificate', 'cert', ['cut-in-the-middle']],
    ['503 for the certificate', 'cert', [busy, ill]],
  ];
  it.each(survivable)('%s, with one order and one certificate', async (_, step, faults) => {
    await withCa(async (opened) => {
      opened.scripted.script(step, ...faults);
      const solver = createNotingSolver('http-01');
      const issued = await issue(opened, solver);
      expect(new X509Certificate(issued.chainPem).subjectAltName).toBe('DNS:a.test');
      expect(opened.scripted.orders.made).toHaveLength(1);
      expect(opened.scripted.orders.issued).toHaveLength(1);
      expect(solver.presented).toHaveLength(1);
      expect(solver.cleaned).toHaveLength(1);
    });
  });

  it('a CA that takes its time with everything, and a nonce storm on top', async () => {
    await withCa(
      async (opened) => {
        opened.scripted.refuseNonces(5);
        expect((await issue(opened)).orders).toBe(1);
        expect(opened.scripted.orders.issued).toHaveLength(1);
      },
      { pendingReads: 3, unreadyReads: 2, processingReads: 3, retryAfter: '1' },
    );
  });
});

describe('an issuance ends', () => {
  const unsurvivable: readonly (readonly [string, Step, Fault, string])[] = [
    ['the order is cut off, which might have been made', 'new-order', 'cut-after-work', 'connection-cut'],
    ['the account is cut off', 'new-account', 'cut', 'connection-cut'],
    ['the authorization is garbage', 'authz', { answer: { status: 200, body: '<html>' } }, 'malformed-answer'],
    ['the challenge is refused', 'challenge', { answer: problem(403, 'malformed', 'no') }, 'malformed'],
    ['the order is garbage', 'order', { answer: { status: 200, body: { status: 'lost' } } }, 'malformed-answer'],
    [
      'the request for the certificate is refused',
      'finalize',
      { answer: problem(400, 'badCSR', 'weak key') },
      'badCSR',
    ],
    ['the certificate is huge', 'cert', { answer: { status: 200, body: 'x'.repeat(2 ** 21) } }, 'malformed-answer'],
    [
      'a step is limited for longer than it may take',
      'finalize',
      { answer: problem(429, 'rateLimited', 'tomorrow', {}, { 'retry-after': '86400' }) },
      'rateLimited',
    ],
  ];
  it.each(unsurvivable)('when %s, cleaned up', async (_, step, fault, type) => {
    await withCa(async (opened) => {
      opened.scripted.script(step, ...Array<Fault>(12).fill(fault));
      const solver = createNotingSolver('http-01');
      const error = await failureOf(issue(opened, solver));
      expect(error).toBeInstanceOf(AcmeProblem);
      expect((error as AcmeProblem).problem.type).toBe(type);
      expect(solver.cleaned).toEqual(solver.presented);
      expect(opened.scripted.count('new-order')).toBeLessThanOrEqual(1);
    });
  });

  it('after some tries when the CA is gone in the middle, and says that it cannot be reached', async () => {
    await withCa(async (opened) => {
      const solver = createNotingSolver('http-01', () => opened.scripted.close());
      const error = await failureOf(issue(opened, solver));
      expect((error as Error).message).toMatch(/^The CA at localhost:\d+ cannot be reached: the connection is refused/);
      expect(solver.cleaned).toHaveLength(1);
    });
  });

  it.each<[string, Partial<Rules>, string]>([
    [
      'an order stays in processing',
      { processingReads: Number.POSITIVE_INFINITY },
      'The CA is not done with the order for a.test',
    ],
    [
      'an order never gets ready',
      { unreadyReads: Number.POSITIVE_INFINITY },
      'The CA is not done with the order for a.test',
    ],
    [
      'an authorization stays pending',
      { pendingReads: Number.POSITIVE_INFINITY },
      'The CA is not done with the authorization of a.test',
    ],
  ])('ten minutes after %s', async (_, rules, message) => {
    await withCa(async (opened) => {
      const system = createImpatientSystem();
      const solver = createNotingSolver('http-01');
      const error = await failureOf(issue(opened, solver, system));
      expect(error).toMatchObject({ problem: { type: 'stuck' } });
      expect((error as Error).message).toContain(message);
      const waited = system.waits.reduce((sum, ms) => sum + ms, 0);
      expect(waited).toBeGreaterThan(9.5 * 60_000);
      expect(waited).toBeLessThan(10.5 * 60_000);
      // 1, 2, 4, 8 seconds, then every ten.
      expect(system.waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000]);
      expect(solver.cleaned).toHaveLength(1);
    }, rules);
  });

  it.each([
    ['7', 7_000],
    ['0', 1_000],
    ['86400', 120_000],
  ])('not before its time: with Retry-After %s the CA is asked after %i ms', async (retryAfter, ms) => {
    await withCa(
      async (opened) => {
        const system = createImpatientSystem();
        await issue(opened, undefined, system);
        // Once for the authorization, twice for the order.
        expect(system.waits).toEqual([ms, ms, ms]);
      },
      { retryAfter, pendingReads: 1, processingReads: 2 },
    );
  });

  it('with the reason of the CA when the order becomes invalid', async () => {
    const orderError = {
      type: 'caa',
      detail: 'rechecking CAA failed',
      subproblems: [
        { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA says no', identifier: { type: 'dns', value: 'a.test' } },
      ],
    };
    await withCa(
      async (opened) => {
        const error = await failureOf(issue(opened));
        expect(error).toMatchObject({
          problem: { type: 'caa', subproblems: [{ type: 'caa', identifier: { value: 'a.test' } }] },
        });
        expect((error as Error).message).toMatch(
          /issued no certificate for a\.test \(a\.test: CAA says no\): rechecking CAA failed$/,
        );
      },
      { orderError },
    );
  });

  it.each<Step>(['directory', 'nonce', 'new-account', 'new-order', 'authz', 'challenge', 'order', 'finalize', 'cert'])(
    'at once when it is aborted while the CA hangs at %s, cleaned up',
    async (step) => {
      await withCa(async (opened) => {
        opened.scripted.script(step, 'hang', 'hang');
        const solver = createNotingSolver('http-01');
        const stop = new AbortController();
        const reason = new Error('the sidecar stops');
        const work = failureOf(
          issue(opened, solver, { ...hurriedSystem, setTimer: () => ({ cancel() {} }) }, stop.signal),
        );
        setTimeout(() => stop.abort(reason), 300);
        expect(await work).toBe(reason);
        expect(solver.cleaned).toEqual(solver.presented);
      });
    },
  );

  it('at once when it is aborted while a solver waits', async () => {
    await withCa(async (opened) => {
      const stop = new AbortController();
      const reason = new Error('the sidecar stops');
      const noting = createNotingSolver('http-01');
      const solver = {
        ...noting,
        wait: (_: unknown, signal: AbortSignal) =>
          new Promise<void>((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
            setTimeout(() => stop.abort(reason), 10);
          }),
      };
      const work = failureOf(issue(opened, solver, hurriedSystem, stop.signal));
      expect(await work).toBe(reason);
      expect(noting.cleaned).toHaveLength(1);
      expect(opened.scripted.count('challenge')).toBe(0);
    });
  });
});
