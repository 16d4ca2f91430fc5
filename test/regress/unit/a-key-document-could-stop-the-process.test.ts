import { expect, it } from 'vitest';
import { judge } from '../../../src/federation-tester/judge.ts';
import { MAX_KEYS } from '../../../src/federation-tester/probe-address.ts';
import { toPublicReport } from '../../../src/federation-tester/public-report.ts';
import { address, answered, DAY, facts, NAME, NOW } from '../../federation-tester/made-facts.ts';

// It was written out anew for each of its keys, each time that it was looked at, at a cost of its depth for every element:
// half a minute for one address, with everything else in the process waiting.
it('a deep and wide key document with many signatures is judged in a moment', () => {
  const ids = Array.from({ length: 20 }, (_, index) => `ed25519:k${index}`);
  const document = JSON.stringify({
    server_name: NAME,
    valid_until_ts: NOW + DAY,
    verify_keys: Object.fromEntries(ids.map((id, index) => [id, { key: Buffer.alloc(32, index).toString('base64') }])),
    signatures: { [NAME]: Object.fromEntries(ids.map((id) => [id, Buffer.alloc(64).toString('base64')])) },
    more: 'HERE',
  });
  const [deep, head] = [480, document.replace('"HERE"', '')];
  const wide = '0,'.repeat((MAX_KEYS - head.length - 2 * deep - 2) / 2);
  const body = document.replace('"HERE"', `${'['.repeat(deep)}${wide}0${']'.repeat(deep)}`);
  expect(body.length).toBeGreaterThan(MAX_KEYS - 10);
  const given = facts({
    addresses: Array.from({ length: 16 }, (_, index) =>
      address({ address: `192.0.2.${index}`, keys: answered(200, body) }),
    ),
  });
  const before = performance.now();
  const verdict = judge(given, { reach: 'public' }, NOW);
  toPublicReport(given, verdict, NOW);
  expect(verdict.findings.map(({ id }) => id)).toEqual(['keys-bad-signature']);
  // Usually half a second for sixteen addresses; it was minutes for four.
  expect(performance.now() - before).toBeLessThan(5_000);
});
