import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyType } from '../../src/acme/certificate-key.ts';
import { type IssueDeps, type IssueRequest, issueCertificate } from '../../src/acme/issue-certificate.ts';
import type { ChallengeType, Solver } from '../../src/acme/solver.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { problem } from '../harness/scripted-rules.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';
import { createNotingSolver, failureOf, NEVER, type OpenedCa, startHttpSolver, withCa } from './open-ca.ts';

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

describe('an issuance', () => {
  it('leads from nothing to a certificate, the CA having fetched the http-01 answer', async () => {
    await withCa(async (opened) => {
      const solver = await startHttpSolver();
      opened.scripted.rules.httpPort = solver.port;
      const issued = await issue(opened, [solver], { names: ['A.test', 'b.test'] });
      const certificate = parsePemCertificate(issued.chainPem, issued.keyPem, 'test');
      expect([...certificate.dnsNames].sort()).toEqual(['a.test', 'b.test']);
      expect(certificate.chain).toHaveLength(2);
      expect(certificate.leaf.checkPrivateKey(createPrivateKey(issued.keyPem))).toBe(true);
      expect(issued).toMatchObject({ challengeTypes: ['http-01'], orders: 1, failures: [] });
      expect([...issued.proved].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
        { name: 'a.test', type: 'http-01' },
        { name: 'b.test', type: 'http-01' },
      ]);
      expect(issued.orderUrl).toBe(`https://localhost:${opened.scripted.port}/order/0`);
      expect(solver.pending).toBe(0);
      await solver.close();
    });
  });

  it.each<[KeyType, string, object]>([
    ['ecdsa-p256', 'ec', { namedCurve: 'prime256v1' }],
    ['ecdsa-p384', 'ec', { namedCurve: 'secp384r1' }],
    ['rsa-2048', 'rsa', { modulusLength: 2048 }],
    ['rsa-4096', 'rsa', { modulusLength: 4096 }],
  ])('makes a new key of type %s each time', async (keyType, kind, details) => {
    await withCa(async (opened) => {
      const solver = createNotingSolver('http-01');
      const rounds = keyType === 'rsa-4096' ? 1 : 2;
      const keys = new Set<string>();
      for (let round = 0; round < rounds; round++) {
        const { chainPem, keyPem } = await issue(opened, [solver], { keyType });
        const { publicKey } = new X509Certificate(chainPem);
        expect(publicKey.asymmetricKeyType).toBe(kind);
        expect(publicKey.asymmetricKeyDetails).toMatchObject(details);
        expect(keyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
        keys.add(keyPem);
      }
      expect(keys.size).toBe(rounds);
    });
  });

  it('is for IPv4 and IPv6 addresses as well, ordered as such and in the certificate as such', async () => {
    await withCa(async (opened) => {
      const issued = await issue(opened, [createNotingSolver('http-01')], { names: ['192.0.2.1', '2001:DB8:0::1'] });
      expect(opened.scripted.orders.made[0]?.identifiers).toEqual([
        { type: 'ip', value: '192.0.2.1' },
        { type: 'ip', value: '2001:db8::1' },
      ]);
      const { ipAddresses, dnsNames } = parsePemCertificate(issued.chainPem, issued.keyPem, 'test');
      expect([...ipAddresses].sort()).toEqual(['192.0.2.1', '2001:db8::1']);
      expect(dnsNames).toEqual([]);
    });
  });

  it('is for a wildcard beside its parent, which the solver is told apart', async () => {
    await withCa(async (opened) => {
      const solver = createNotingSolver('dns-01');
      const challengeOrder: ChallengeType[] = ['http-01', 'dns-01'];
      const issued = await issue(opened, [solver], { names: ['a.test', '*.a.test'], challengeOrder });
      expect(solver.presented.map(({ identifier, wildcard }) => [identifier.value, wildcard]).sort()).toEqual([
        ['a.test', false],
        ['a.test', true],
      ]);
      expect(new X509Certificate(issued.chainPem).subjectAltName).toBe('DNS:a.test, DNS:*.a.test');
    });
  });

  it('is for a name of 253 characters, because there is no common name in the request', async () => {
    const long = `${`${'a'.repeat(62)}.`.repeat(3)}${'b'.repeat(55)}.test`;
    await withCa(async (opened) => {
      const issued = await issue(opened, [createNotingSolver('http-01')], { names: [long] });
      expect(new X509Certificate(issued.chainPem).subjectAltName).toBe(`DNS:${long}`);
    });
  });

  it('tells the solver all that it needs, waits for it, and cleans up once the CA is convinced', async () => {
    await withCa(async (opened) => {
      const steps: string[] = [];
      const account = await opened.ca.account(NEVER);
      opened.scripted.rules.validate = async () => void steps.push('validated');
      const solver: Solver = {
        type: 'http-01',
        async present(task) {
          steps.push('present');
          expect(task).toMatchObject({
            type: 'http-01',
            identifier: { type: 'dns', value: 'a.test' },
            wildcard: false,
          });
          expect(task.keyAuthorization).toBe(`${task.token}.${account.thumbprint}`);
          expect(task.accountUrl).toBe(account.url);
        },
        wait: async () => void steps.push('wait'),
        cleanUp: async () => void steps.push('clean up'),
      };
      await issue(opened, [solver]);
      expect(steps).toEqual(['present', 'wait', 'validated', 'clean up']);
    });
  });

  it('needs no proof for names that the CA remembers', async () => {
    await withCa(
      async (opened) => {
        const solver = createNotingSolver('http-01');
        await issue(opened, [solver]);
        const again = await issue(opened, [solver]);
        expect(solver.presented).toHaveLength(1);
        expect(again).toMatchObject({ challengeTypes: [], proved: [], orders: 1 });
      },
      { remembers: true },
    );
  });

  it('sends profile and what it replaces', async () => {
    await withCa(
      async (opened) => {
        await issue(opened, [createNotingSolver('http-01')], { profile: 'shortlived', replaces: 'aaaa.bbbb' });
        expect(opened.scripted.orders.made).toMatchObject([{ profile: 'shortlived', replaces: 'aaaa.bbbb' }]);
      },
      { profiles: { shortlived: 'six days' }, renewalInfo: () => ({ status: 404 }) },
    );
  });

  it('does not say what it replaces to a CA without renewal advice', async () => {
    await withCa(async (opened) => {
      await issue(opened, [createNotingSolver('http-01')], { replaces: 'aaaa.bbbb' });
      expect(opened.scripted.seen.find(({ step }) => step === 'new-order')?.payload).toEqual({
        identifiers: [{ type: 'dns', value: 'a.test' }],
      });
    });
  });

  it('of what was replaced before goes on without saying so', async () => {
    await withCa(
      async (opened) => {
        opened.scripted.orders.replaced.add('aaaa.bbbb');
        const issued = await issue(opened, [createNotingSolver('http-01')], { replaces: 'aaaa.bbbb' });
        expect(issued.orders).toBe(1);
        expect(opened.scripted.orders.made).toMatchObject([{ replaces: undefined }]);
        expect(opened.scripted.count('new-order')).toBe(2);
        expect(opened.log.at('warn')).toEqual([expect.stringContaining('this certificate was replaced before')]);
      },
      { renewalInfo: () => ({ status: 404 }) },
    );
  });

  it('asks before each order, and orders nothing when that says no', async () => {
    await withCa(async (opened) => {
      const refused = new SidecarError('not today', { code: 'limit', blame: 'operator' });
      const error = await failureOf(
        issue(opened, [createNotingSolver('http-01')], { beforeOrder: () => Promise.reject(refused) }),
      );
      expect(error).toBe(refused);
      expect(opened.scripted.orders.made).toHaveLength(0);
    });
  });

  it('takes the chain whose topmost issuer is the preferred one, or says that there is none', async () => {
    const issuerOf = (pem: string) => new X509Certificate(pem.slice(pem.indexOf('-----BEGIN', 10))).issuer;
    await withCa(async (opened) => {
      const preferring = (preferredChain: string) =>
        issue(opened, [createNotingSolver('http-01')], { ca: opened.again({ preferredChain }) });
      expect(issuerOf((await preferring('Scripted Root B')).chainPem)).toBe('CN=Scripted Root B');
      expect(opened.log.at('warn')).toEqual([]);
      expect(issuerOf((await preferring('Scripted Root A')).chainPem)).toBe('CN=Scripted Root A');
      expect(opened.scripted.count('cert')).toBe(3);
      expect(issuerOf((await preferring('No Such Root')).chainPem)).toBe('CN=Scripted Root A');
      expect(opened.log.at('warn')).toEqual([expect.stringContaining('offers no chain up to No Such Root')]);
    });
  });
});

describe('a certificate that the CA issues', () => {
  const other = createNotingSolver('http-01');
  it.each<[string, Parameters<typeof withCa>[1], string]>([
    ['for fewer names', { namesIssued: () => ['a.test'] }, 'it is not for b.test'],
    ['that is over', { lifetime: -1_000 }, 'it ended at '],
  ])('%s is not taken', async (_, rules, why) => {
    await withCa(async (opened) => {
      const error = await failureOf(issue(opened, [other], { names: ['a.test', 'b.test'] }));
      expect(error).toMatchObject({ problem: { type: 'wrong-certificate' } });
      expect((error as Error).message).toContain(why);
    }, rules);
  });

  it('for another key, or as garbage, is not taken', async () => {
    await withCa(async (opened) => {
      const first = await issue(opened, [other]);
      opened.scripted.script('cert', { rewrite: (answer) => ({ ...answer, body: first.chainPem }) });
      expect(await failureOf(issue(opened, [other]))).toMatchObject({
        problem: { type: 'wrong-certificate', detail: 'it is for another key than the one in the request' },
      });
      for (const body of ['', 'nothing', first.chainPem.replace(/MII/, 'XXX'), first.chainPem.repeat(6)]) {
        opened.scripted.script('cert', { answer: { status: 200, body } });
        expect(await failureOf(issue(opened, [other]))).toMatchObject({ problem: { type: 'malformed-answer' } });
      }
    });
  });
});

describe('an order that the CA refuses', () => {
  it.each([
    ['a paused name', problem(429, 'rateLimited', 'temporarily prevented from requesting certificates'), undefined],
    ['a limit', problem(429, 'rateLimited', 'too many', {}, { 'retry-after': '3600' }), 3_600],
    ['CAA', problem(403, 'caa', 'CAA record for a.test prevents issuance'), undefined],
  ])('for %s ends the issuance at once, in the words of the CA', async (_, answer, retryAfter) => {
    await withCa(async (opened) => {
      opened.scripted.script('new-order', { answer });
      const error = await failureOf(issue(opened, [createNotingSolver('http-01')]));
      expect(error).toMatchObject({ problem: { status: answer.status }, retryAfter });
      expect(opened.scripted.count('new-order')).toBe(1);
    });
  });

  it('by giving one for other names is not gone on with', async () => {
    await withCa(async (opened) => {
      const swap = {
        rewrite: (told: { status: number; body?: unknown }) => ({
          ...told,
          body: { ...(told.body as object), identifiers: [{ type: 'dns', value: 'evil.test' }] },
        }),
      };
      opened.scripted.script('new-order', swap);
      const error = await failureOf(issue(opened, [createNotingSolver('http-01')]));
      expect((error as Error).message).toContain('the order is for evil.test');
    });
  });
});
