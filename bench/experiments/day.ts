import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../ask.ts';
import { BenchError } from '../bench-error.ts';
import { type Contender, cpuBetween, sum } from '../contender.ts';
import { drawEvents, type Event, ORIGINS } from '../day-mix.ts';
import { WELL_KNOWN } from '../peers/peer.ts';
import type { Cell } from '../result.ts';
import { quantile } from '../statistics.ts';
import type { Experiment } from './experiment.ts';

/** Seconds of a turn, by those of other rows: requests come slowly here. */
const LONGER = 4;
const SEED = 20_261_123;

/** A day's traffic of other servers, at a rate that all can bear, with a homeserver that takes its time. */
export const dayExperiment: Experiment = {
  rows: [{ name: 'day', title: 'federation traffic of a day', unit: 'µs/request' }],
  openFiles: 2_000,
  async prepare(bench, name) {
    const contender = await bench.start(name, await bench.upstream('scripted'));
    const live = (): Promise<Cell> => liveThrough(contender, drawEvents(bench.seconds * LONGER, SEED));
    await live().catch(async (error: unknown) => {
      await contender.stop();
      throw error;
    });
    return { measure: async () => [await live()], finish: () => contender.stop() };
  },
};

/** Latencies are what comes on top of the homeserver's own time. */
async function liveThrough(contender: Contender, events: readonly Event[]): Promise<Cell> {
  const agents = Array.from({ length: ORIGINS }, () => new Agent({ keepAlive: true, maxSockets: 8 }));
  const added: number[] = [];
  const before = contender.cpu();
  const startedAt = performance.now();
  const under: Promise<void>[] = [];
  for (const event of events) {
    const early = event.at - (performance.now() - startedAt);
    if (early > 1) await sleep(early);
    under.push(
      makeRequest(contender, event, agents).then((milliseconds) => void added.push(milliseconds - event.takes)),
    );
  }
  // One that fails is reported after all have ended: what runs on would be in the next measurement.
  const outcomes = await Promise.allSettled(under);
  const seconds = (performance.now() - startedAt) / 1000;
  const used = sum(cpuBetween(before, contender.cpu()));
  for (const agent of agents) agent.destroy();
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return {
    figure: used / events.length,
    perSecond: events.length / seconds,
    p50: quantile(added, 0.5),
    p99: quantile(added, 0.99),
    busy: used / 1e6 / seconds,
  };
}

/** Resolves with the milliseconds that it took. */
async function makeRequest(contender: Contender, event: Event, agents: readonly Agent[]): Promise<number> {
  const { kind, takes, origin, newConnection } = event;
  const headers = {
    authorization: `X-Matrix origin="origin${origin}.test",destination="bench.test",key="ed25519:a",sig="${'s'.repeat(86)}"`,
    'x-bench-wait': String(takes),
    'x-bench-size': String(kind.answers),
  };
  const body = kind.sends === 0 ? {} : { body: Buffer.alloc(kind.sends, 'x') };
  const agent = newConnection ? {} : { agent: agents[origin]! };
  const startedAt = performance.now();
  const answer = await ask(contender, { path: kind.path, method: kind.method, headers, ...body, ...agent });
  const expected = kind.own === true ? WELL_KNOWN.length : kind.answers;
  if (answer.status !== 200 || answer.bytes !== expected) {
    throw new BenchError(`${kind.name}: answered ${answer.status} with ${answer.bytes} bytes.`);
  }
  return performance.now() - startedAt;
}
