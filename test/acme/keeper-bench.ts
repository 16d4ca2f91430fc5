import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NameSet } from '../../src/acme/names.ts';
import { type ScriptedCa, startScriptedCa } from '../harness/scripted-ca.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import type { Rules } from '../harness/scripted-rules.ts';
import { type KeeperLife, type LifeWish, setOf, startLife } from './keeper-life.ts';
import { createVirtualSystem, type VirtualSystem } from './virtual-system.ts';

export const T0 = Date.parse('2026-06-01T12:00:00Z');

const issuer = createScriptedIssuer();

/** A folder for the store, a CA, a clock, and the processes that come and go on them. */
export interface KeeperBench {
  readonly folder: string;
  readonly scripted: ScriptedCa;
  readonly system: VirtualSystem;
  readonly set: NameSet;
  start(wish?: Partial<LifeWish>): Promise<KeeperLife>;
  close(): Promise<void>;
}

export async function openKeeperBench(rules: Partial<Rules> = {}): Promise<KeeperBench> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-keeper-'));
  const system = createVirtualSystem(T0);
  const scripted = await startScriptedCa(
    { now: () => system.trueNow(), validate: async () => undefined, ...rules },
    issuer,
  );
  const set = setOf('example.test', 'matrix.example.test');
  const lives: KeeperLife[] = [];
  return {
    folder,
    scripted,
    system,
    set,
    async start(wish = {}) {
      const life = await startLife({ folder, scripted, system, sets: [set], ...wish });
      lives.push(life);
      return life;
    },
    async close() {
      await Promise.all(lives.map((life) => life.end()));
      await scripted.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
