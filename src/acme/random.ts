import type { System } from '../base/system.ts';

/** A number from 0 to 1, 1 excluded, uniformly: 48 bits of the system's dice. */
export function randomFraction(system: Pick<System, 'randomBytes'>): number {
  return system.randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
