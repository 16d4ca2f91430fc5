import type { Ca } from './ca.ts';
import type { CaLimits } from './ca-limits.ts';

/** One CA that may be asked, as the ledger and the store know it. */
export interface PlannedCa {
  readonly ca: Ca;
  /** Its segment in the store's keys; what the ledger calls it. */
  readonly folder: string;
  readonly limits: CaLimits;
}

/** The CAs of a configuration. */
export interface CaPlan {
  /** The first one, then the fallback if there is one. */
  readonly production: readonly [PlannedCa, ...PlannedCa[]];
  /** Where the first of them lets one rehearse; undefined where it has no such place. */
  readonly staging: PlannedCa | undefined;
}

/** Whether a certificate from this directory counts as the real thing. */
export function isProduction(plan: CaPlan, directory: string): boolean {
  return plan.production.some(({ ca }) => ca.directoryUrl === directory);
}
