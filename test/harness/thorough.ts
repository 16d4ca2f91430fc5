/**
 * Whether what takes long is to be tried in full: more cases, more seeds, waits of half a minute. `npm test` takes a few
 * of each; the suite `peers` runs these files again with this.
 */
export const isThorough = process.env['THOROUGH'] !== undefined;
