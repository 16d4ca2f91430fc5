import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpsOutcome } from '../../src/base/https-exchange.ts';
import { gatherFacts } from '../../src/federation-tester/gather-facts.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import { toPublicReport } from '../../src/federation-tester/public-report.ts';
import { isThorough } from '../harness/thorough.ts';
import { address, answered, facts, hop, NOW, resolution } from './made-facts.ts';

const KEYISH = fc.record(
  {
    server_name: fc.oneof(fc.constant('example.com'), fc.anything()),
    valid_until_ts: fc.oneof(fc.integer(), fc.double(), fc.anything()),
    verify_keys: fc.oneof(
      fc.dictionary(fc.constantFrom('ed25519:a', 'ed25519:1', '__proto__', 'constructor'), fc.anything()),
      fc.anything(),
    ),
    signatures: fc.oneof(fc.dictionary(fc.string(), fc.anything()), fc.anything()),
    server: fc.anything(),
    errcode: fc.anything(),
    'm.server': fc.anything(),
  },
  { requiredKeys: [] },
);
const BODY = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.oneof(KEYISH, fc.jsonValue()).map((value) => Buffer.from(JSON.stringify(value, jsonSafe) ?? '')),
);
const HEADER = fc.tuple(
  fc.constantFrom('Content-Type', 'Server', 'Date', 'Location', 'Cache-Control', 'Access-Control-Allow-Origin'),
  fc.string({ unit: 'binary', maxLength: 60 }),
);
const OUTCOME = fc
  .record({ status: fc.integer({ min: 100, max: 999 }), body: BODY, headers: fc.array(HEADER), cut: fc.boolean() })
  .map((answer): HttpsOutcome => ({ ...answered(200, ''), ...answer }) as HttpsOutcome);
// Control characters, and those that turn the direction of text.
const OBEYED = /[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/u;

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('whatever a stranger answers', () => {
  it('is judged, and shown in lines without control characters', () => {
    fc.assert(
      fc.property(fc.array(OUTCOME, { minLength: 9, maxLength: 9 }), fc.integer(), (outcomes, skew) => {
        const [keys, version, unknown, plain, escaped, again, other, slashes, body] = outcomes as [
          HttpsOutcome,
          ...HttpsOutcome[],
        ];
        const about = address({
          keys,
          version,
          unknown,
          unsigned: { plain, escaped },
          signed: { plain: again, escaped: other, slashes, malformed: plain, keyFetches: 1 },
          body,
          skew,
        });
        const cacheFor = 1;
        const wellKnown = {
          hops: [hop(keys), hop(version)],
          cacheFor,
          result: { ok: false, problem: 'not-json', words: 'no JSON' },
        } as const;
        const given = facts({
          identity: 't.test',
          resolution: resolution({ wellKnown }),
          addresses: [about, address({ keys: version, address: '2001:db8::1' })],
          wellKnownAt: [
            { address: '192.0.2.1', outcome: keys },
            { address: '192.0.2.2', outcome: version },
          ],
        });
        const verdict = judge(given, { reach: 'public' }, NOW);
        JSON.stringify(toPublicReport(given, verdict, NOW));
        const lines = [
          ...verdict.findings.flatMap(({ evidence, lines: exact, fix }) => [...evidence, ...exact, fix]),
          ...verdict.notTested.map(({ why }) => why),
          verdict.firstLine,
          verdict.lastLine,
        ];
        expect(lines.filter((line) => OBEYED.test(line) || line.length > 1_100)).toEqual([]);
      }),
      { numRuns: isThorough ? 3_000 : 300 },
    );
  });

  it('is no reason for an exception, whatever the name is', async () => {
    const nobody = {
      system: {
        now: () => NOW,
        monotonic: () => 0,
        setTimer: () => ({ cancel: () => {} }),
        randomBytes: (n: number) => Buffer.alloc(n),
      },
      names: {
        lookupHost: async (host: string) => ({ host, cname: undefined, addresses: [], error: undefined }),
        lookupSrv: async (name: string) => ({ name, records: [], error: undefined }),
      },
      https: { request: async () => answered(200, '') },
    } as unknown as Parameters<typeof gatherFacts>[1];
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (asked) => {
        const given = await gatherFacts(
          asked,
          nobody,
          { allowPrivate: true, largeBody: 0 },
          new AbortController().signal,
        );
        const verdict = judge(given, { reach: 'public' }, NOW);
        expect(verdict.federationOk).toBe(false);
        expect(verdict.findings.length).toBeGreaterThan(0);
        expect(verdict.findings.flatMap(({ evidence }) => evidence).filter((line) => OBEYED.test(line))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
