import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyType } from '../../src/acme/certificate-key.ts';
import { issueCertificate } from '../../src/acme/issue-certificate.ts';
import type { System } from '../../src/base/system.ts';
import { problem } from '../harness/scripted-rules.ts';
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

describe('advice on renewal', () => {
  const id = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';
  const window = { start: '2026-06-02T00:00:00Z', end: '2026-06-03T00:00:00Z' };

  it('is asked for without a signature, at a URL without two slashes', async () => {
    await withCa(
      async (opened) => {
        const advice = await opened.ca.renewalInfo(id, NEVER);
        expect(advice).toMatchObject({ end: Date.parse(window.end), retryAfter: 21_600 });
        expect(opened.scripted.seen.at(-1)).toMatchObject({ method: 'GET', path: `/renewal-info/${id}` });
      },
      { renewalInfo: () => ({ status: 200, headers: { 'retry-after': '21600' }, body: { suggestedWindow: window } }) },
    );
  });

  it('is not there at a CA without it', async () => {
    await withCa(async (opened) => {
      expect(await opened.ca.renewalInfo(id, NEVER)).toBeUndefined();
    });
  });

  it('that is refused, or makes no sense, is a problem with its Retry-After', async () => {
    await withCa(
      async (opened) => {
        const { rules } = opened.scripted;
        const headers = { 'retry-after': '60' };
        expect(await failureOf(opened.ca.renewalInfo(id, NEVER))).toMatchObject({ problem: { status: 404 } });
        rules.renewalInfo = () => ({
          status: 200,
          headers,
          body: { suggestedWindow: { start: window.end, end: window.start } },
        });
        expect(await failureOf(opened.ca.renewalInfo(id, NEVER))).toMatchObject({
          retryAfter: 60,
          problem: { type: 'malformed-answer' },
        });
        rules.renewalInfo = () => ({ status: 200, headers, body: 'x'.repeat(2 ** 21) });
        expect(await failureOf(opened.ca.renewalInfo(id, NEVER))).toMatchObject({
          problem: { type: 'malformed-answer' },
        });
      },
      { renewalInfo: () => problem(404, 'malformed', 'unknown certificate') },
    );
  });
});

describe('a revocation', () => {
  it('sends the certificate and the reason, and one that happened before is no error', async () => {
    await withCa(async (opened) => {
      const { chainPem } = await issue(opened);
      const { raw } = new X509Certificate(chainPem);
      await opened.ca.revoke(raw, 4, NEVER);
      expect(opened.scripted.seen.at(-1)?.payload).toEqual({ certificate: raw.toString('base64url'), reason: 4 });
      opened.scripted.script('revoke', { answer: problem(400, 'alreadyRevoked', 'done') });
      await opened.ca.revoke(raw, 4, NEVER);
      opened.scripted.script('revoke', { answer: problem(403, 'unauthorized', 'not yours') });
      expect(await failureOf(opened.ca.revoke(raw, 4, NEVER))).toMatchObject({ problem: { type: 'unauthorized' } });
    });
  });

  it('of an authorization gives it up', async () => {
    await withCa(async (opened) => {
      const made = await opened.ca.newOrder({ identifiers: [{ type: 'dns', value: 'a.test' }] }, NEVER);
      const [url] = made.authorizations;
      await opened.ca.deactivateAuthorization(url!, NEVER);
      expect((await opened.ca.readAuthorization(url!, NEVER)).status).toBe('deactivated');
    });
  });
});
