import type { ChallengeRecord, Ledger, LedgerOrder, Tries } from './ledger.ts';

/** What was tried for a set at a CA since it last succeeded there; nothing, where it never was. */
export function viewTries(ledger: Ledger, set: string, ca: string): Tries {
  const found = ledger.tries.find((one) => one.set === set && one.ca === ca);
  return found ?? { set, ca, failures: 0, lastAt: 0, caFailures: 0, ourFailures: 0, unknown: 0 };
}

/** How the newest attempt for a set ended, at whichever CA; undefined where there was none, or it is not known. */
export function viewLastAttempt(
  ledger: Ledger,
  set: string,
): { readonly at: number; readonly ok: boolean; readonly what: string } | undefined {
  const tries = ledger.tries.filter((one) => one.set === set).sort((a, b) => b.lastAt - a.lastAt)[0];
  if (tries === undefined || tries.unknown > 0) return undefined;
  if (tries.failures === 0) return { at: tries.lastAt, ok: true, what: 'A certificate was issued.' };
  return { at: tries.lastAt, ok: false, what: tries.problem?.detail ?? 'It failed.' };
}

/** Orders of which it is not known how they ended: the CA knows, by their URL where they have one. */
export function viewUnresolved(ledger: Ledger, set?: string): LedgerOrder[] {
  return ledger.orders.filter((one) => one.outcome === 'unresolved' && (set === undefined || one.set === set));
}

/** How each type of challenge fared for a name. */
export function viewChallenges(ledger: Ledger, name: string): ChallengeRecord[] {
  return ledger.challenges.filter((one) => one.name === name);
}
