import type { System } from '../base/system.ts';

/** Connections of one network that may be cut off before it matters: anybody's program can have a fault. */
const FREE = 3;
/** Milliseconds that the next one waits; doubled with each, up to the longest. */
const FIRST = 250;
const LONGEST = 4_000;
/** More strikes are no worse. */
const MANY = 10;
/** Milliseconds of good behaviour after which one strike is forgotten. */
const FORGOTTEN = 10_000;
/** Networks that are remembered; beyond, the ones longest known are forgotten. */
const MOST = 10_000;

/** How long new connections wait whose like had to be cut off. */
export interface Penalties {
  /** A connection from this network was ended because of a flood on it. */
  strike(network: string): void;
  /** Milliseconds until the next connection from there is served; mostly 0. */
  delay(network: string): number;
}

/**
 * A flood is cut off, and then comes back on a new connection, for which the dear part, the handshake and the first read,
 * begins anew. So whoever was cut off several times waits before it does.
 */
export function createPenalties({ system }: { readonly system: System }): Penalties {
  const known = new Map<string, { readonly strikes: number; readonly at: number }>();
  return {
    strike(network) {
      const now = system.monotonic();
      const before = known.get(network);
      known.delete(network);
      const left = before === undefined ? 0 : before.strikes - Math.floor((now - before.at) / FORGOTTEN);
      const strikes = Math.min(MANY, Math.max(0, left) + 1);
      known.set(network, { strikes, at: now });
      const [oldest] = known.keys();
      if (known.size > MOST) known.delete(oldest!);
    },
    delay(network) {
      if (known.size === 0) return 0;
      const one = known.get(network);
      if (one === undefined || one.strikes <= FREE) return 0;
      const whole = Math.min(LONGEST, FIRST * 2 ** (one.strikes - FREE - 1));
      return Math.max(0, one.at + whole - system.monotonic());
    },
  };
}
