import { z } from 'zod';
import { FINDING_KINDS } from '../../src/federation-tester/finding-kinds.ts';

/**
 * ServerReport of matrix-org/matrix-federation-tester (main.go) as its API answers it: every member, and no other but
 * the two that are ours.
 */
const message = z.strictObject({ Message: z.string() });
const place = z.string().regex(/^(\d+(\.\d+){3}|\[[0-9a-f:.]+\]):\d+$/);
const base64 = z.string().regex(/^[A-Za-z0-9+/]+$/);

const connection = z.strictObject({
  Certificates: z.array(
    z.strictObject({
      SubjectCommonName: z.string(),
      IssuerCommonName: z.string(),
      SHA256Fingerprint: base64.length(43),
      DNSNames: z.array(z.string()).nullable(),
    }),
  ),
  Cipher: z.strictObject({ Version: z.string().regex(/^TLS 1\.\d$/), CipherSuite: z.string().regex(/^TLS_/) }),
  Checks: z.strictObject({
    AllChecksOK: z.boolean(),
    MatchingServerName: z.boolean(),
    FutureValidUntilTS: z.boolean(),
    HasEd25519Key: z.boolean(),
    AllEd25519ChecksOK: z.boolean().nullable(),
    Ed25519Checks: z.record(
      z.string().startsWith('ed25519:'),
      z.strictObject({ ValidEd25519: z.boolean(), MatchingSignature: z.boolean() }),
    ),
    ValidCertificates: z.boolean(),
  }),
  Errors: z.array(message),
  Ed25519VerifyKeys: z.record(z.string().startsWith('ed25519:'), base64).nullable(),
  Info: z.strictObject({}),
  Keys: z.looseObject({}),
});

export const publicReport = z.strictObject({
  Error: z.string().min(1).optional(),
  WellKnownResult: z.strictObject({
    'm.server': z.string(),
    result: z.string().min(1).optional(),
    CacheExpiresAt: z.int(),
  }),
  DNSResult: z.strictObject({
    SRVSkipped: z.boolean(),
    SRVCName: z.string(),
    SRVRecords: z
      .array(z.strictObject({ Target: z.string(), Port: z.int(), Priority: z.int(), Weight: z.int() }))
      .nullable(),
    SRVError: message.nullable(),
    Hosts: z.record(
      z.string(),
      z.strictObject({ CName: z.string(), Addrs: z.array(z.string()).nullable(), Error: message.nullable() }),
    ),
    Addrs: z.array(place).nullable(),
  }),
  ConnectionReports: z.record(place, connection),
  ConnectionErrors: z.record(place, message),
  Version: z.strictObject({
    name: z.string().optional(),
    version: z.string().optional(),
    error: z.string().min(1).optional(),
  }),
  FederationOK: z.boolean(),
  Findings: z.array(
    z.strictObject({
      id: z.enum(Object.keys(FINDING_KINDS) as [string, ...string[]]),
      severity: z.enum(['error', 'warning', 'info']),
      title: z.string().min(1),
      evidence: z.array(z.string().min(1)),
      fix: z.string().min(1),
      lines: z.array(z.string()),
      explains: z.array(z.enum(['401-on-join', 'others-cannot-join'])),
    }),
  ),
  Verdict: z.strictObject({
    FederationOK: z.boolean(),
    FirstLine: z.string().min(1),
    LastLine: z.string().min(1),
    Differs: z.string().optional(),
  }),
});
