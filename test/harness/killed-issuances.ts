import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDnsServer } from './dns-server.ts';
import { createKillLane, type KillLane, type KillTally } from './kill-lane.ts';
import { createScriptedIssuer } from './scripted-issuer.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface KillPlan {
  readonly kills: number;
  readonly seed: number;
  /** Processes at the same time, each with a store and a CA of its own. */
  readonly lanes: number;
  /** Kills on one store, at most. */
  readonly longest: number;
  /** Milliseconds after which no new store is begun, however many kills there were: for machines that are busy. */
  readonly patience?: number;
}

/** What came of it; `damage` has every way in which something was not as it has to be. */
export type KillReport = KillTally;

/**
 * Runs the real process through whole issuances, kills it with SIGKILL at instants that the seed chooses, starts it
 * again on the same store, and looks after each kill at the store, the CA's orders and what is served.
 */
export async function killIssuances(plan: KillPlan): Promise<KillReport> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-kills-'));
  const dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
  const issuer = createScriptedIssuer();
  const tally: KillTally = { kills: 0, stores: 0, orders: 0, certificates: 0, temporary: 0, fell: {}, damage: [] };
  const lanes: KillLane[] = [];
  try {
    for (let index = 0; index < plan.lanes; index++) {
      const random = createSeededRandom(plan.seed + index);
      lanes.push(
        await createKillLane({ folder: join(folder, `lane-${index}`), resolver: dns.address }, random, issuer, tally),
      );
    }
    const { kills, patience = Number.POSITIVE_INFINITY } = plan;
    await lanes[0]!.measure();
    const began = performance.now();
    const more = (): boolean => tally.kills === 0 || (tally.kills < kills && performance.now() - began < patience);
    await Promise.all(
      lanes.map(async (lane) => {
        lane.expect(lanes[0]!);
        for (let store = 0; more(); store++) {
          // One store that asks for renewals all the time: there the limits have to hold.
          const greedy = store === 1;
          await lane.wearOut(greedy ? plan.longest * 2 : plan.longest, greedy, more);
        }
      }),
    );
    return tally;
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
    await dns.close();
    await rm(folder, { recursive: true, force: true });
  }
}
