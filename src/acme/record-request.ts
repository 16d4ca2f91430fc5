import type { Ledger } from './ledger.ts';

/** So many sets with a wish that is not met yet are remembered; a configuration has far fewer. */
const MOST = 1_000;

/**
 * The operator asks for a renewal now: pauses and waits of our own are lifted, limits and the CA's dates are not. The
 * wish stays until it is met, whatever becomes of the process that heard of it; what it lifts, it lifts once.
 */
export function recordRequest(ledger: Ledger, set: string, names: readonly string[]): Ledger {
  const others = (ledger.asked ?? []).filter((one) => one !== set);
  return {
    ...ledger,
    asked: [...others, set].slice(-MOST),
    tries: ledger.tries.map((one) => {
      const { next: _, ...rest } = one;
      return one.set === set ? rest : one;
    }),
    blocks: ledger.blocks.filter(
      (block) => !(block.paused && (block.names?.some((name) => names.includes(name)) ?? false)),
    ),
  };
}

/** The set has a new certificate: what the operator asked for is done. */
export function recordRequestMet(ledger: Ledger, set: string): Ledger {
  return ledger.asked === undefined ? ledger : { ...ledger, asked: ledger.asked.filter((one) => one !== set) };
}
