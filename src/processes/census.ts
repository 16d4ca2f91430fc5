import { countSaved } from '../admin/count-saved.ts';
import type { ProcessStatus } from '../admin/status.ts';
import type { System } from '../base/system.ts';
import type { MetricFamily } from '../observe/metric-family.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { TrafficStatus } from '../observe/traffic-record.ts';
import { mergeFamilies, mergeMetrics } from './merge-metrics.ts';
import { mergeReadiness } from './merge-readiness.ts';
import { mergeStatus } from './merge-status.ts';
import { mergeTraffic } from './merge-traffic.ts';
import type { Told, Topic } from './messages.ts';
import type { ServingProcess } from './serving-process.ts';
import type { Slot } from './slot.ts';

/** What all processes of the sidecar have to tell together. */
export interface Census {
  /** Asks all of them. Undefined where nobody has told anything. Never rejects. */
  tell(topic: Topic): Promise<Told[Topic] | undefined>;
  /** What a process that has ended has counted stays counted. Once for each. */
  bury(process: ServingProcess): void;
}

export interface CensusDeps {
  readonly system: System;
  /** Of the supervising process. */
  readonly metrics: Metrics;
  slots(): readonly Slot[];
  /** All that have not ended: those that start, serve, or finish. */
  alive(): ReadonlySet<ServingProcess>;
  isStopping(): boolean;
}

/** Milliseconds that a process gets to tell. For its readiness it asks homeservers, which may take five seconds. */
const PATIENCE: Readonly<Record<Topic, number>> = { status: 1_000, metrics: 1_000, readiness: 6_500 };

type Answers<T extends Topic> = ReadonlyMap<ServingProcess, Told[T]>;

export function createCensus(deps: CensusDeps): Census {
  const { system, metrics } = deps;
  const startedAt = system.monotonic();
  let buried: readonly MetricFamily[] = [];
  let buriedTraffic: readonly TrafficStatus[] = [];

  async function ask<T extends Topic>(topic: T, processes: readonly ServingProcess[]): Promise<Answers<T>> {
    const told = await Promise.all(
      processes.map(async (process) => [process, await process.ask(topic, PATIENCE[topic])] as const),
    );
    return new Map(told.filter((one): one is [ServingProcess, Told[T]] => one[1] !== undefined));
  }

  /** Whoever starts cannot tell anything yet. */
  const listServing = (): ServingProcess[] =>
    deps.slots().flatMap(({ current }) => (current === undefined ? [] : [current]));
  const listTelling = (): ServingProcess[] => [
    ...new Set([...listServing(), ...[...deps.alive()].filter(({ leaving }) => leaving)]),
  ];

  function listProcesses(answers: Answers<Topic>): ProcessStatus[] {
    const ofSlots = deps.slots().map(({ number, current, restarts }): ProcessStatus => {
      if (current === undefined) return { slot: number, pid: null, uptime_seconds: 0, restarts, state: 'starting' };
      const state = current.leaving ? 'draining' : answers.has(current) ? 'serving' : 'silent';
      return describe(current, restarts, state);
    });
    const serving = new Set(listServing());
    const leaving = [...deps.alive()].filter((process) => process.leaving && !serving.has(process));
    return [...ofSlots, ...leaving.map((process) => describe(process, 0, 'draining'))];
  }

  async function tellStatus(): Promise<Told['status'] | undefined> {
    const answers = await ask('status', listTelling());
    const parts = [...answers].map(([{ leaving }, status]) => ({ leaving, status }));
    const whole = {
      uptime_seconds: Math.floor((system.monotonic() - startedAt) / 1000),
      draining: deps.isStopping(),
      processes: listProcesses(answers),
    };
    return mergeStatus(parts, whole, { traffic: buriedTraffic, saved: countSaved(buried) });
  }

  async function tellReadiness(): Promise<Told['readiness'] | undefined> {
    const answers = await ask('readiness', listServing());
    if (answers.size === 0) return undefined;
    const parts = [...answers].map(([{ slot }, readiness]) => ({ slot, readiness }));
    return mergeReadiness(parts, listProcesses(answers));
  }

  /** From here on at one go: a process that ends meanwhile is either among those that live or among those buried. */
  async function tellMetrics(): Promise<Told['metrics'] | undefined> {
    const answers = await ask('metrics', listTelling());
    if (answers.size === 0) return undefined;
    const states = listProcesses(answers).map(({ state }) => state);
    const count = (wanted: ProcessStatus['state']): number => states.filter((state) => state === wanted).length;
    // Those that serve and those that drain count themselves.
    metrics.gauge('processes', () =>
      (['starting', 'silent'] as const).map((state) => ({ labels: { state }, value: count(state) })),
    );
    const parts = [...deps.alive()].map((process) => {
      const { slot, leaving, counted } = process;
      const { own, process: measured } = answers.get(process) ?? { own: counted, process: [] };
      return { slot, leaving, own, process: measured };
    });
    return mergeMetrics(parts, [...metrics.describe(['counter', 'gauge', 'histogram']), ...buried]);
  }

  return {
    tell: (topic) => ({ status: tellStatus, readiness: tellReadiness, metrics: tellMetrics })[topic](),
    bury({ counted, traffic }) {
      if (traffic !== undefined) buriedTraffic = [mergeTraffic([...buriedTraffic, traffic])];
      buried = mergeFamilies([...buried, ...counted]);
    },
  };
}

function describe(process: ServingProcess, restarts: number, state: ProcessStatus['state']): ProcessStatus {
  const uptime_seconds = Math.floor(process.age() / 1000);
  return { slot: process.slot, pid: process.pid ?? null, uptime_seconds, restarts, state };
}
