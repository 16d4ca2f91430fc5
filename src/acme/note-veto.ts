import { describeError } from '../base/errors.ts';
import type { LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import type { PreflightVerdict } from './preflight.ts';
import { clearVeto, writeVeto } from './veto-record.ts';

/**
 * Keeps in the store what preflight last said of a set: a veto with its reason, or, with `undefined`, none. Writes only
 * what is news; a store that cannot be written is no reason to stop, for then that is what preflight says.
 */
export async function noteVeto(
  kept: KeptSet,
  verdict: Pick<PreflightVerdict, 'why' | 'findings'> | undefined,
  { store, system, log }: Pick<LookAfterDeps, 'store' | 'system' | 'log'>,
): Promise<void> {
  const why = verdict?.why;
  if (kept.veto === why) return;
  try {
    if (verdict === undefined) await clearVeto(store, kept.set.id);
    else await writeVeto(store, kept.set.id, { ...verdict, now: system.now() });
    kept.veto = why;
  } catch (error) {
    log.debug({ names: kept.set.names }, `Why nothing is ordered cannot be stored. ${describeError(error)}`);
  }
}
