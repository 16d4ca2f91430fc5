import { describe, expect, it } from 'vitest';
import { judgeFederation } from '../../src/app/judge-outside.ts';
import { FINDING_KINDS, type FindingId } from '../../src/federation-tester/finding-kinds.ts';
import type { Finding } from '../../src/federation-tester/verdict.ts';

const finding = (id: FindingId): Finding => ({
  ...{ id, ...FINDING_KINDS[id] },
  ...{ evidence: ['seen'], fix: 'Do it.', lines: ['a', 'b'] },
});
const judge = (ids: readonly FindingId[], everywhere = true, byDocument = true) =>
  judgeFederation('a.org', { federationOk: ids.length === 0, findings: ids.map(finding) }, { everywhere, byDocument });

describe('federation seen from the sidecar', () => {
  it('is good where it works', () => expect(judge([])).toEqual({ kind: 'good' }));

  it.each<[string, FindingId[]]>([
    ['what the DNS says', ['connection-timeout', 'srv-target-without-address']],
    ['what the web server publishes', ['well-known-no-m-server']],
    ['the certificate', ['tls-expired']],
  ])('is broken for certain by %s', (_what, ids) => {
    expect(judge(ids)).toMatchObject({
      kind: 'bad',
      sure: true,
      message: expect.stringContaining(FINDING_KINDS[ids.at(-1)!].title),
    });
    expect(judge(ids, false)).toMatchObject({ kind: 'bad', sure: false });
  });

  it('is not broken for certain by what a website says where no document leads to the server', () => {
    expect(judge(['well-known-not-json'], true, false)).toMatchObject({ kind: 'bad', sure: false });
  });

  it.each<[string, FindingId[]]>([
    ['cannot be reached from behind it', ['connection-timeout']],
    ['is the router itself', ['tls-wrong-name', 'tls-expired']],
    ['is a private one, as split DNS has it', ['address-private']],
    ['answers otherwise than a homeserver', ['keys-not-served']],
  ])('may only look broken where the public address %s', (_what, ids) => {
    expect(judge(ids)).toMatchObject({ kind: 'bad', sure: false });
  });

  it.each<[FindingId[]]>([[['dns-lookup-failed']], [['srv-lookup-failed', 'test-incomplete']], [['tls-expires-soon']]])(
    'is not known where the trouble may be ours, or is none: %j',
    (ids) => expect(judge(ids)).toEqual({ kind: 'unsure' }),
  );

  it('has the sentence, the evidence and the exact lines', () => {
    expect(judge(['tls-expired'])).toEqual({
      kind: 'bad',
      message: 'Other servers cannot federate with a.org. The certificate has expired: seen.',
      fix: 'Do it. a · b',
      sure: true,
    });
  });
});
