import { type Contender, cpuBetween, sum } from '../contender.ts';
import { runLoad } from '../h2load.ts';
import type { Cell } from '../result.ts';
import type { Bench, Experiment } from './experiment.ts';
import { smallGet, warmUp } from './requests.ts';

/**
 * How much more two processes on two processors can do than one. Load and upstream need processors as well, so it is not
 * read off requests per second, but off what one request costs on the processor that has most to do.
 */
export const processesExperiment: Experiment = {
  rows: [{ name: 'processes', title: 'two processes on two processors, to one', unit: 'speed-up' }],
  openFiles: 1_000,
  alone: true,
  obstacle: (bench) => bench.whyNoProcesses(),
  async prepare(bench, name) {
    const upstream = await bench.upstream('fixed');
    const one = await bench.start(name, upstream);
    const two = await bench.start(name, upstream, 2);
    const finish = async (): Promise<void> => void (await Promise.all([one.stop(), two.stop()]));
    try {
      const requests = await warmUp(one, manyConnections, bench);
      await warmUp(two, manyConnections, bench);
      return { measure: async () => [await compare(one, two, requests, bench)], finish };
    } catch (error) {
      await finish();
      throw error;
    }
  },
};

/** As many as it takes for chance to spread them evenly. */
const manyConnections = { ...smallGet, connections: 128 };

async function compare(one: Contender, two: Contender, requests: number, bench: Bench): Promise<Cell> {
  const used = async (contender: Contender) => {
    const before = contender.cpu();
    const outcome = await runLoad(contender, manyConnections, { requests }, bench);
    return { byProcess: cpuBetween(before, contender.cpu()), outcome };
  };
  const single = await used(one);
  const double = await used(two);
  const all = sum(double.byProcess);
  const figure = speedUp(sum(single.byProcess), double.byProcess);
  const { p50, p99, seconds } = double.outcome;
  return { figure, perSecond: requests / seconds, p50, p99, busy: all / 1e6 / seconds };
}

/** Times as many requests as one process: the busiest process is the limit, or both processors when all is even. */
export function speedUp(single: number, byProcess: readonly number[]): number {
  return single / Math.max(...byProcess, sum(byProcess) / 2);
}
