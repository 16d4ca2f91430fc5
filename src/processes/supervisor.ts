import cluster from 'node:cluster';
import type { Status } from '../admin/status.ts';
import type { Log } from '../base/log.ts';
import { stayAlive } from '../base/stay-alive.ts';
import type { System } from '../base/system.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createCensus } from './census.ts';
import { forkServing, type ServingProcess } from './serving-process.ts';
import { createSlot, type Order, PATIENCE, type Slot } from './slot.ts';

/** The processes that serve, looked after. */
export interface Supervisor {
  /**
   * Starts them: the first one, and when it serves the others. Resolves when all serve; one that cannot is reported and tried
   * again.
   * @throws SidecarError when the first cannot start; nothing is left running then.
   */
  start(): Promise<Status>;
  /**
   * Has all processes replaced, one after the other, by new ones that serve `order`. Resolves with undefined where a later
   * order, or the end, took its place. Never a moment without processes that accept.
   * @throws SidecarError when the first new one cannot start; the old ones go on then.
   */
  reload(order: Order): Promise<Status | undefined>;
  /** Lets all of them finish what they began. Resolves when none is left. */
  drain(): Promise<void>;
  /** At once, also in the middle of a drain. */
  close(): Promise<void>;
}

export interface SupervisorDeps {
  readonly system: System;
  readonly log: Log;
  /** Arguments of the program's command that serves. */
  readonly args: readonly string[];
  stderr(chunk: Buffer): void;
}

export function createSupervisor(first: Order, deps: SupervisorDeps): Supervisor {
  const { system, log } = deps;
  const release = stayAlive();
  const metrics = createMetrics();
  const restarted = metrics.counter('processRestarts', {});
  const slots: Slot[] = [];
  const alive = new Set<ServingProcess>();
  let inForce = first;
  let wanted: Order | undefined;
  let rolling: Promise<unknown> = Promise.resolve();
  let stopping = false;

  // The listening sockets are held here and shared: a connection that waits in one is accepted by whoever is left.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  // stdout is theirs as well; stderr comes through here, for their last words.
  cluster.setupPrimary({ args: [...deps.args], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });

  const census = createCensus({ system, metrics, slots: () => slots, alive: () => alive, isStopping: () => stopping });

  function launch(slot: number, order: Order): ServingProcess {
    const process = forkServing(slot, order.content, {
      system,
      stderr: deps.stderr,
      onAsked: (topic) => census.tell(topic),
    });
    alive.add(process);
    void process.ended.then(() => {
      alive.delete(process);
      census.bury(process);
    });
    return process;
  }

  function addSlot(): Slot {
    const slot = createSlot(slots.length + 1, {
      system,
      log,
      launch,
      order: () => inForce,
      onRestart: () => restarted.add(),
      onServing(order) {
        if (order.generation > inForce.generation) inForce = order;
      },
    });
    slots.push(slot);
    return slot;
  }

  /** As many slots as the order in force wants, all of them serving it. */
  async function complete(): Promise<void> {
    for (const slot of slots.splice(inForce.processes)) slot.close(PATIENCE);
    // Those that are replaced go one by one, so that most of them serve at any time; those that are new need not wait.
    for (const slot of slots) if (!stopping) await slot.follow();
    const added: Promise<void>[] = [];
    while (slots.length < inForce.processes && !stopping) added.push(addSlot().follow());
    await Promise.all(added);
  }

  async function roll(order: Order): Promise<Status | undefined> {
    if (wanted !== order || stopping) return undefined;
    const status = await slots[0]!.replace(order);
    await complete();
    return stopping ? undefined : status;
  }

  /** Resolves when no process is left. */
  async function end(tell: (process: ServingProcess) => void): Promise<void> {
    stopping = true;
    for (const slot of slots) slot.close();
    for (const process of alive) tell(process);
    while (alive.size > 0) await Promise.all([...alive].map((process) => process.ended));
    release();
  }

  return {
    async start() {
      try {
        const status = await addSlot().replace(first);
        await complete();
        return status;
      } catch (error) {
        await end((process) => process.close());
        throw error;
      }
    },
    reload(order) {
      wanted = order;
      const turn = rolling.then(() => roll(order));
      rolling = turn.catch(() => {});
      return turn;
    },
    drain: () => end((process) => process.drain(inForce.drain, 0)),
    close: () => end((process) => process.close()),
  };
}
