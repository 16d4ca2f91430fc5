import { setTimeout as sleep } from 'node:timers/promises';
import { answersRight } from '../ask.ts';
import type { Experiment } from './experiment.ts';

/** Milliseconds that a proxy is left alone before its memory is read. */
const SETTLE = 1_500;

/** From the start of the process to the first answer, and the memory of one that has nothing to do. */
export const startExperiment: Experiment = {
  rows: [
    { name: 'first-answer', title: 'start to first answer', unit: 'ms' },
    { name: 'idle-memory', title: 'resident memory, idle', unit: 'MB' },
  ],
  openFiles: 1_000,
  prepare: async (bench, name) => ({
    async measure() {
      const contender = await bench.start(name, await bench.upstream('fixed'));
      try {
        for (let request = 0; request < 10; request++) await answersRight(contender);
        await sleep(SETTLE);
        return [{ figure: contender.firstAnswer }, { figure: contender.resident() / 1e6 }];
      } finally {
        await contender.stop();
      }
    },
    finish: async () => {},
  }),
};
