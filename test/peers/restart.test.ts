import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { RestartResult } from './restart-account.ts';
import type { EdgeKind } from './restart-edges.ts';
import { runRestartScript, TEN_RESTARTS, TWO_RESTARTS } from './restart-script.ts';
import { writeRestartTable } from './restart-table.ts';
import { whyNoSynapse } from './synapse.ts';

// RESTARTS=full: ten restarts of each kind of edge, about half an hour, written into the folder RESTARTS_REPORT.
const isFull = process.env['RESTARTS'] === 'full';
const script = isFull ? TEN_RESTARTS : TWO_RESTARTS;
const chosen = process.env['RESTARTS_EDGES']?.split(',');
const others = (['nginx', 'caddy', 'caddy-retrying'] as const).filter((edge) => chosen?.includes(edge) ?? isFull);
const folder = process.env['RESTARTS_REPORT'] ?? join(tmpdir(), 'matrix-sidecar-restarts');

const missing = await whyNoSynapse();
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('real Synapses are here, because REQUIRE_PEERS=1 asks for them', () => {
    expect(missing).toBeUndefined();
  });
}

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A Synapse that is restarted ${script.length} times under chat${why}`, () => {
  const results: RestartResult[] = [];

  async function run(edge: EdgeKind): Promise<RestartResult> {
    const result = await runRestartScript(edge, script);
    results.push(result);
    mkdirSync(folder, { recursive: true });
    const { edgeLog, ...account } = result;
    writeFileSync(join(folder, `${edge}.json`), `${JSON.stringify(account, undefined, 2)}\n`);
    writeFileSync(join(folder, `${edge}.log`), edgeLog);
    return result;
  }

  afterAll(() => {
    if (results.length > 0) console.log(`${writeRestartTable(results)}\n\nWritten to ${folder}.`);
  });

  test.runIf(chosen?.includes('sidecar') ?? true)(
    'behind the sidecar: no client and no other server notices',
    async () => {
      const result = await run('sidecar');
      expect(result.restarts).toHaveLength(script.length);
      expect(result.backOff).toMatchObject({ spells: 0, afterwards: 0 });
      expect(result.messages).toMatchObject({ missing: 0, doubled: 0, late: 0 });
      expect(result.toDevice).toMatchObject({ missing: 0 });
      const { requestsThere: there, requestsElsewhere: elsewhere } = result;
      // What the homeserver was about to answer when it went, and must not be sent twice, is lost with it.
      expect(there.failed - there.unrepeatable, JSON.stringify(there.failures)).toBe(0);
      expect(there.unrepeatable, JSON.stringify(there.failures)).toBeLessThanOrEqual(script.length);
      expect(elsewhere.failures).toEqual({});
    },
    1_800_000,
  );

  test.each(others)(
    'behind %s, to compare: every message arrives in the end, and the account is complete',
    async (edge) => {
      const result = await run(edge);
      expect(result.restarts).toHaveLength(script.length);
      expect(result.messages.sent).toBeGreaterThan(50);
      expect(result.requestsThere.sent).toBeGreaterThan(100);
    },
    1_800_000,
  );
});
