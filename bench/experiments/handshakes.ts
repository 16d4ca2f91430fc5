import type { Contender } from '../contender.ts';
import { cpuBetween, sum } from '../contender.ts';
import type { Cell, Row } from '../result.ts';
import { quantile } from '../statistics.ts';
import { visit } from '../tls-visits.ts';
import type { Experiment } from './experiment.ts';

/** Visitors at the same time. */
const VISITORS = 8;

function handshakes(row: Row, resumed: boolean): Experiment {
  return {
    rows: [row],
    openFiles: 1_000,
    async prepare(bench, name) {
      const contender = await bench.start(name, await bench.upstream('fixed'));
      const measure = (): Promise<Cell> => visitAgainAndAgain(contender, resumed, bench.seconds * 1000);
      await measure().catch(async (error: unknown) => {
        await contender.stop();
        throw error;
      });
      return { measure: async () => [await measure()], finish: () => contender.stop() };
    },
  };
}

/** New connections with one request each: the whole handshake, or one that resumes the session of the visit before. */
export const handshakeExperiments: readonly Experiment[] = [
  handshakes({ name: 'handshake-full', title: 'TLS 1.3 handshake and one request', unit: 'µs/request' }, false),
  handshakes({ name: 'handshake-resumed', title: 'resumed handshake and one request', unit: 'µs/request' }, true),
];

async function visitAgainAndAgain(contender: Contender, resumed: boolean, milliseconds: number): Promise<Cell> {
  // The first visit of each brings the ticket for the second, and is not counted.
  const tickets = await Promise.all(
    Array.from({ length: VISITORS }, async () => (resumed ? (await visit(contender)).session : undefined)),
  );
  const times: number[] = [];
  const before = contender.cpu();
  const startedAt = performance.now();
  await Promise.all(
    tickets.map(async (first) => {
      let session = first;
      while (performance.now() - startedAt < milliseconds) {
        const done = await visit(contender, session);
        times.push(done.milliseconds);
        if (resumed) session = done.session ?? session;
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const used = sum(cpuBetween(before, contender.cpu()));
  return {
    figure: used / times.length,
    perSecond: times.length / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    busy: used / 1e6 / seconds,
  };
}
