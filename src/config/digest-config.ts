import { createHash } from 'node:crypto';
import type { Config } from './config.ts';
import { writeConfig } from './write-config.ts';

/** Characters of SHA-256 in hex that are enough to tell configurations apart. */
const LENGTH = 16;

/**
 * The same for configurations that mean the same, secrets aside: whoever knows the rest could try secrets out until the
 * digest fits.
 */
export function digestConfig(config: Config): string {
  return createHash('sha256').update(writeConfig(config)).digest('hex').slice(0, LENGTH);
}
