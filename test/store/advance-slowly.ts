import type { ManualSystem } from '../tls/manual-system.ts';

/** Moves the clock in steps of a second, so that a busy disk has time for what each timer began. */
export async function advanceSlowly(system: ManualSystem, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) await system.advance(Math.min(left, 1_000));
}
