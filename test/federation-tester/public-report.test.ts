import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bad } from '../../src/base/parsed.ts';
import { FINDING_KINDS } from '../../src/federation-tester/finding-kinds.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import { type PublicReport, toPublicReport } from '../../src/federation-tester/public-report.ts';
import { type DeploymentWorld, NAME as LIVE, openDeploymentWorld, planDeployment } from './deployment.ts';
import { address, dead, facts, leaf, NAME, NOW, resolution, TLS } from './made-facts.ts';

const message = z.strictObject({ Message: z.string() });
const names = z.array(z.string()).nullable();
const ok = z.boolean();

/** ServerReport of matrix-org/matrix-federation-tester; strict, so that nothing is added unnoticed. */
const SERVER_REPORT = z.strictObject({
  Error: z.string().optional(),
  WellKnownResult: z.strictObject({ 'm.server': z.string(), result: z.string().optional(), CacheExpiresAt: z.int() }),
  DNSResult: z.strictObject({
    SRVSkipped: ok,
    SRVCName: z.string(),
    SRVRecords: z
      .array(z.strictObject({ Target: z.string(), Port: z.int(), Priority: z.int(), Weight: z.int() }))
      .nullable(),
    SRVError: message.nullable(),
    Hosts: z.record(z.string(), z.strictObject({ CName: z.string(), Addrs: names, Error: message.nullable() })),
    Addrs: names,
  }),
  ConnectionReports: z.record(
    z.string(),
    z.strictObject({
      Certificates: z.array(
        z.strictObject({
          SubjectCommonName: z.string(),
          IssuerCommonName: z.string(),
          SHA256Fingerprint: z.string(),
          DNSNames: names,
        }),
      ),
      Cipher: z.strictObject({ Version: z.string(), CipherSuite: z.string() }),
      Checks: z.strictObject({
        AllChecksOK: ok,
        MatchingServerName: ok,
        FutureValidUntilTS: ok,
        HasEd25519Key: ok,
        AllEd25519ChecksOK: ok.nullable(),
        Ed25519Checks: z.record(z.string(), z.strictObject({ ValidEd25519: ok, MatchingSignature: ok })),
        ValidCertificates: ok,
      }),
      Errors: z.array(message),
      Ed25519VerifyKeys: z.record(z.string(), z.string()).nullable(),
      Info: z.strictObject({}),
      Keys: z.record(z.string(), z.unknown()),
    }),
  ),
  ConnectionErrors: z.record(z.string(), message),
  Version: z.strictObject({
    name: z.string().optional(),
    version: z.string().optional(),
    error: z.string().optional(),
  }),
  FederationOK: ok,
  // Ours.
  Findings: z.array(
    z.strictObject({
      id: z.enum(Object.keys(FINDING_KINDS) as [string, ...string[]]),
      severity: z.enum(['error', 'warning', 'info']),
      title: z.string(),
      evidence: z.array(z.string()),
      fix: z.string(),
      lines: z.array(z.string()),
      explains: z.array(z.enum(['401-on-join', 'others-cannot-join'])),
    }),
  ),
  Verdict: z.strictObject({
    FederationOK: ok,
    FirstLine: z.string(),
    LastLine: z.string(),
    Differs: z.string().optional(),
  }),
});

function reportOf(given: ReturnType<typeof facts>): PublicReport {
  const report = toPublicReport(given, judge(given, { reach: 'public' }, NOW), NOW);
  return SERVER_REPORT.parse(JSON.parse(JSON.stringify(report))) as PublicReport;
}

let world: DeploymentWorld;
beforeAll(async () => {
  world = await openDeploymentWorld();
});
afterAll(() => world.close());

describe('the public tester’s report', () => {
  it.each(['nothing', 'well-known', 'srv'] as const)('has its shape for a live server, delegated by %s', async (by) => {
    const { facts: seen, verdict } = await world.test(planDeployment(world, by));
    const report = SERVER_REPORT.parse(JSON.parse(JSON.stringify(toPublicReport(seen, verdict, Date.now()))));
    const [connection] = Object.values(report.ConnectionReports);
    expect(report.FederationOK).toBe(true);
    expect(connection!.Checks.AllChecksOK).toBe(true);
    expect(connection!.Certificates.map(({ SubjectCommonName }) => SubjectCommonName)[1]).toBe('Test Intermediate');
    expect(connection!.Certificates[0]!.SHA256Fingerprint).toMatch(/^[A-Za-z0-9+/]{43}$/);
    expect(connection!.Cipher).toEqual({ Version: 'TLS 1.3', CipherSuite: expect.stringMatching(/^TLS_/) });
    expect(connection!.Keys['server_name']).toBe(LIVE);
    expect(report.Version).toEqual({ name: 'Stand-in', version: '1.0' });
    expect(report.DNSResult.SRVSkipped).toBe(by === 'well-known');
    expect(report.DNSResult.SRVRecords?.[0]?.Target).toBe(by === 'srv' ? 'matrix.example.test.' : undefined);
    expect(report.WellKnownResult['m.server']).toBe(by === 'well-known' ? 'matrix.example.test:443' : '');
  });

  it('has the error of a name that is none', () => {
    const report = reportOf(facts({ asked: 'a b', serverName: bad('no'), resolution: undefined, addresses: [] }));
    expect([report.Error, report.FederationOK, report.DNSResult.Addrs]).toEqual([
      "Invalid server name 'a b'",
      false,
      null,
    ]);
  });

  it('has a connection error for each address that cannot be had', () => {
    const report = reportOf(facts({ addresses: [address(), dead('2001:db8::1', 'refused')] }));
    expect(Object.keys(report.ConnectionReports)).toEqual(['192.0.2.1:8448']);
    expect(report.ConnectionErrors).toEqual({ '[2001:db8::1]:8448': { Message: 'it failed (refused)' } });
  });

  it('says no where the public tester does, and says so where we do not', () => {
    const report = reportOf(facts({ addresses: [address(), dead('2001:db8::1', 'refused')] }));
    expect([report.FederationOK, report.Verdict.FederationOK]).toEqual([false, true]);
    expect(report.Verdict.Differs).toContain('2001:db8::1 does not answer');
  });

  it('has no keys that were not checked, and the certificate’s trouble', () => {
    const untrusted = { code: 'CERT_HAS_EXPIRED', words: 'the certificate has expired' };
    const expired = address({ tls: { ...TLS, untrusted }, certificates: [leaf({ notAfter: NOW - 1, dnsNames: [] })] });
    const connection = reportOf(facts({ addresses: [expired] })).ConnectionReports['192.0.2.1:8448']!;
    expect(connection.Ed25519VerifyKeys).toBeNull();
    expect(connection.Errors).toEqual([{ Message: 'the certificate has expired' }]);
    expect(connection.Checks).toMatchObject({ AllChecksOK: false, ValidCertificates: false, HasEd25519Key: true });
    expect(connection.Certificates[0]!.DNSNames).toBeNull();
  });

  it('tells the SRV records that were used, or why there are none', () => {
    const lookup = { name: `_matrix._tcp.${NAME}`, records: [], error: undefined };
    const report = reportOf(facts({ resolution: resolution({ srv: [lookup] }) }));
    expect(report.DNSResult.SRVRecords).toBeNull();
    expect(report.DNSResult.SRVError!.Message).toContain(`_matrix._tcp.${NAME}`);
  });
});
