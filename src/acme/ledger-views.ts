import type { ChallengeRecord, Ledger, LedgerOrder, Tries } from './ledger.ts';

/** What was tried for a set at a CA since it last succeeded there; nothing, where it never was. */
export function viewTries(ledger: Ledger, set: string, ca: string): Tries {
  const found = ledger.tries.find((one) => one.set === set && one.ca === ca);
  return found ?? { set, ca, failures: 0, lastAt: 0, caFailures: 0, ourFailures: 0, unknown: 0 };
}

/** Orders of which it is not known how they ended: the CA knows, by their URL where they have one. */
export function viewUnresolved(ledger: Ledger, set?: string): LedgerOrder[] {
  return ledger.orders.filter((one) => one.outcome === 'unresolved' && (set === undefined || one.set === set));
}

/** How each type of challenge fared for a name. */
export function viewChallenges(ledger: Ledger, name: string): ChallengeRecord[] {
  return ledger.challenges.filter((one) => one.name === name);
}
