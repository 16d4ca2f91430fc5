import type { System } from '../base/system.ts';
import { createFairTurns } from './fair-turns.ts';
import type { Penalties } from './penalties.ts';

/** Handshakes that may begin in one turn of the event loop: each takes about half a millisecond. */
const PER_TURN = 2;
/**
 * Milliseconds between two that had to wait because their like was cut off. What waited as long as all the others would come
 * back with all the others, and each brings a first read of hundreds of requests.
 */
const APART = 25;

export interface HandshakeTurnsDeps {
  readonly system: System;
  readonly penalties: Penalties;
}

export interface HandshakeTurnsSlice {
  /** Milliseconds that one may wait at most: it has to be done in time all the same. Asked for each time. */
  longestWait(): number;
}

/** In which order handshakes begin. Nobody is refused. */
export interface HandshakeTurns {
  /** Whether somebody from this network may begin at once, as long as few do. */
  isFree(network: string): boolean;
  /** Calls `begin` in a later turn of the loop, when it is its turn. `network` is who waits. */
  enter(network: string, begin: () => void): void;
}

/**
 * A handshake is the dearest thing that a stranger can ask for, and hundreds may be asked for at once. They take turns, by
 * network; who had to be cut off before waits longer, and comes back one by one.
 */
export function createHandshakeTurns(slice: HandshakeTurnsSlice, deps: HandshakeTurnsDeps): HandshakeTurns {
  const { system, penalties } = deps;
  const turns = createFairTurns<string>(PER_TURN);
  const penalised = createFairTurns<string>(1, (next) => void system.setTimer(APART, next));
  return {
    isFree: (network) => penalties.delay(network) === 0,
    enter(network, begin) {
      const delay = Math.min(penalties.delay(network), slice.longestWait());
      if (delay === 0) turns.enter(network, begin);
      else system.setTimer(delay, () => penalised.enter(network, begin));
    },
  };
}
