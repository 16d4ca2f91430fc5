import { describeInstant } from './describe-time.ts';
import type { Validity } from './renewal.ts';

/** A certificate as far as it matters here. */
export type AdoptionFacts = Validity & { readonly fingerprint256: string };

/** Whether the certificate that the store has is to be served. */
export interface AdoptionDecision {
  readonly adopt: boolean;
  readonly why: string;
}

/**
 * Whether what the store has takes the place of what is in force; `unsaved` where that is one that the store does not
 * have yet. The CA's instants are compared, no clock of ours. An older one never does: the store may be full, or
 * restored from a backup. But one that lives longer does although it was signed earlier, for it was imported.
 */
export function decideAdoption(
  stored: AdoptionFacts,
  held: AdoptionFacts | undefined,
  unsaved: boolean,
): AdoptionDecision {
  if (held === undefined) return { adopt: true, why: 'There was none before.' };
  if (stored.fingerprint256 === held.fingerprint256) return { adopt: true, why: 'It is the one in force.' };
  const since = `${describeInstant(stored.notBefore)}, the one in force from ${describeInstant(held.notBefore)}`;
  const later = stored.notBefore > held.notBefore;
  if (later) return { adopt: true, why: `The one in the store is from ${since}.` };
  if (unsaved)
    return { adopt: false, why: `The one in force is not stored yet; the one in the store is from ${since}.` };
  if (stored.notBefore < held.notBefore && stored.notAfter <= held.notAfter) {
    return { adopt: false, why: `The one in the store is older: it is from ${since}.` };
  }
  return { adopt: true, why: 'The one in the store is good for longer.' };
}
