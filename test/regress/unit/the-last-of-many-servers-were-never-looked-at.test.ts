import { expect, it } from 'vitest';
import { createOutsideWatch } from '../../../src/app/outside-watch.ts';
import { readConfig } from '../../app/test-config.ts';
import { createManualSystem } from '../../tls/manual-system.ts';
import { createRecordingLog } from '../../tls/recording-log.ts';

const MINUTE = 60_000;
const HOSTS = 60;
/** Rounds take so long that the first are due again before the last had their turn. */
const SLOW = 65 * MINUTE;

it('of more servers than an hour has looks for, each is looked at from outside, whoever waited longest first', async () => {
  const names = Array.from({ length: HOSTS }, (_, index) => `{ server_name: s${index}.test, homeserver: "http://h" }`);
  const config = readConfig(`servers: [${names.join(', ')}]`);
  const system = createManualSystem(undefined, () => new Promise((resolve) => setTimeout(resolve, 1)));
  const looked = new Set<string>();
  const store = { read: async () => undefined, write: async () => {}, acquireLease: async () => undefined };
  const watch = createOutsideWatch({
    ...{ system, log: createRecordingLog(), config: () => config, isAway: () => false },
    // A store that fails: this one process looks for itself.
    store: () => ({ ...store, acquireLease: () => Promise.reject(new Error('gone')) }),
    board: () => ({ put: () => {} }),
    async look({ id }) {
      looked.add(id);
      await new Promise<void>((resolve) => system.setTimer(SLOW / 6, resolve));
      return { kind: 'good' };
    },
  });
  for (let minute = 0; minute < 360; minute++) await system.advance(MINUTE);
  await watch.close();
  expect(looked.size).toBe(HOSTS);
});
