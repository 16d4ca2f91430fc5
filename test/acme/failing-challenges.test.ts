import { describe, expect, it } from 'vitest';
import type { KeyType } from '../../src/acme/certificate-key.ts';
import type { IssuanceFailed } from '../../src/acme/issuance-failed.ts';
import { type IssueDeps, type IssueRequest, issueCertificate } from '../../src/acme/issue-certificate.ts';
import type { ChallengeType, Solver } from '../../src/acme/solver.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { createNotingSolver, failureOf, NEVER, type OpenedCa, withCa } from './open-ca.ts';

const HTTP: readonly ChallengeType[] = ['http-01'];

function issue(
  opened: OpenedCa,
  solvers: readonly Solver[],
  more: Partial<IssueRequest & IssueDeps> = {},
  signal = NEVER,
) {
  const request = { names: ['a.test'], keyType: 'ecdsa-p256' as KeyType, challengeOrder: HTTP, ...more };
  const { ca = opened.ca, beforeOrder } = more;
  const byType = new Map(solvers.map((solver) => [solver.type, solver]));
  return issueCertificate(
    request,
    { ca, solvers: byType, system: hurriedSystem, log: opened.log, beforeOrder },
    signal,
  );
}

describe('a challenge that fails', () => {
  const wrongAnswer = { type: 'unauthorized', detail: 'Invalid response from http://a.test/: 404' };

  it('is followed by a new order with the next type, each type once', async () => {
    await withCa(async (opened) => {
      opened.scripted.rules.validate = async ({ type }) => (type === 'dns-01' ? undefined : wrongAnswer);
      const solvers = (['tls-alpn-01', 'http-01', 'dns-01'] as const).map((type) => createNotingSolver(type));
      let asked = 0;
      const issued = await issue(opened, solvers, {
        challengeOrder: ['tls-alpn-01', 'http-01', 'dns-01'],
        beforeOrder: async () => void asked++,
      });
      expect(issued).toMatchObject({ orders: 3, challengeTypes: ['dns-01'] });
      expect(issued.failures.map(({ name, challenge }) => [name, challenge])).toEqual([
        ['a.test', 'tls-alpn-01'],
        ['a.test', 'http-01'],
      ]);
      expect(asked).toBe(3);
      for (const solver of solvers) {
        expect(solver.presented).toHaveLength(1);
        expect(solver.cleaned).toEqual(solver.presented);
      }
    });
  });

  it('in every way there is ends with what the CA said of each name and each way', async () => {
    await withCa(async (opened) => {
      opened.scripted.rules.validate = async ({ name, type }) =>
        name === 'b.test'
          ? undefined
          : { type: type === 'http-01' ? 'unauthorized' : 'connection', detail: `no ${type} there`, subproblems: [] };
      const solvers = (['tls-alpn-01', 'http-01', 'dns-01'] as const).map((type) => createNotingSolver(type));
      const challengeOrder: ChallengeType[] = ['http-01', 'tls-alpn-01'];
      const error = await failureOf(issue(opened, solvers, { names: ['a.test', 'b.test'], challengeOrder }));
      expect(error).toMatchObject({
        code: 'acme-validation-failed',
        blame: 'operator',
        message:
          'No certificate: a.test could not be validated with http-01: no http-01 there; ' +
          'a.test could not be validated with tls-alpn-01: no tls-alpn-01 there.',
        hint: expect.stringContaining('Port 80 of every address that a.test resolves to'),
      });
      const { failures } = error as IssuanceFailed;
      expect(failures).toMatchObject([
        {
          name: 'a.test',
          challenge: 'http-01',
          error: { problem: { type: 'unauthorized', identifier: { value: 'a.test' } } },
        },
        { name: 'a.test', challenge: 'tls-alpn-01', error: { problem: { type: 'connection' } } },
      ]);
      expect(opened.scripted.orders.made).toHaveLength(2);
    });
  });

  it("keeps the CA's subproblems and says them", async () => {
    await withCa(async (opened) => {
      const subproblems = [
        {
          type: 'urn:ietf:params:acme:error:dns',
          detail: 'SERVFAIL for AAAA',
          identifier: { type: 'dns', value: 'a.test' },
        },
      ];
      opened.scripted.rules.validate = async () => ({ type: 'compound', detail: 'several things', subproblems });
      const error = (await failureOf(issue(opened, [createNotingSolver('http-01')]))) as IssuanceFailed;
      expect(error.message).toBe(
        'No certificate: a.test could not be validated with http-01 (a.test: SERVFAIL for AAAA): several things.',
      );
    });
  });

  it('before the CA was told leaves the order alone: the next type is tried in it', async () => {
    await withCa(async (opened) => {
      const broken = createNotingSolver('dns-01', async () => {
        throw new SidecarError('the DNS provider says 403', {
          code: 'dns',
          blame: 'operator',
          hint: 'Renew the token.',
        });
      });
      const works = createNotingSolver('http-01');
      const issued = await issue(opened, [broken, works], { challengeOrder: ['dns-01', 'http-01'] });
      expect(issued).toMatchObject({ orders: 1, challengeTypes: ['http-01'] });
      expect(issued.failures[0]?.error.message).toBe(
        'dns-01 could not be prepared for a.test: the DNS provider says 403',
      );
      expect(broken.cleaned).toHaveLength(1);
      const error = await failureOf(issue(opened, [broken], { challengeOrder: ['dns-01'] }));
      expect(error).toMatchObject({ code: 'acme-validation-failed', hint: 'Renew the token.' });
      expect(opened.scripted.orders.made).toHaveLength(2);
    });
  });

  it('is none when nothing that the CA offers can be done here, which is said', async () => {
    await withCa(
      async (opened) => {
        const error = await failureOf(issue(opened, [createNotingSolver('http-01')]));
        expect((error as Error).message).toBe(
          'No certificate: a.test cannot be validated: the CA offers dns-01, and here http-01 can be tried.',
        );
        expect(opened.scripted.count('challenge')).toBe(0);
      },
      { challenges: ['dns-01'] },
    );
  });

  it('to be cleaned up after is a warning and no failure', async () => {
    await withCa(async (opened) => {
      const solver: Solver = {
        ...createNotingSolver('http-01'),
        cleanUp: () => Promise.reject(new Error('disk full')),
      };
      expect((await issue(opened, [solver])).orders).toBe(1);
      expect(opened.log.at('warn')).toEqual(['warn What http-01 needed was not taken away: disk full']);
    });
  });
});
