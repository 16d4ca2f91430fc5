import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Loaded into the sidecar before it begins: at SIGUSR2 all garbage is collected, and what is left is written to the file that
 * SOAK_LIVE_FILE names.
 */

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const file = process.env['SOAK_LIVE_FILE'];

process.on('SIGUSR2', () => {
  // What the first frees may keep other things until it is gone.
  collect();
  setImmediate(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    if (file === undefined) return;
    writeFileSync(`${file}.new`, JSON.stringify({ heap: heapUsed, external }));
    renameSync(`${file}.new`, file);
  });
});
