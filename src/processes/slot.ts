import type { Status } from '../admin/status.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import { decideRestart } from './decide-restart.ts';
import { describeEnd, type Ending, type ServingProcess } from './serving-process.ts';

/** What is to be served: a configuration that is in force, or is to be. */
export interface Order {
  /** Larger than that of those before. */
  readonly generation: number;
  /** How many processes serve it. */
  readonly processes: number;
  /** For the processes to read. */
  readonly content: unknown;
  /** Milliseconds that a process may take to finish what it began. */
  readonly drain: number;
  /** The same for one that has a successor: nobody waits for its end. */
  readonly handOver: number;
}

/** A place where one process serves at a time; another one takes its place. */
export interface Slot {
  readonly number: number;
  /** The one that serves. */
  readonly current: ServingProcess | undefined;
  readonly restarts: number;
  /**
   * Has `order` served by a new process, and lets the one from before finish once it does. Rejects with a SidecarError when
   * it cannot be; everything stays as it was then. One call at a time.
   */
  replace(order: Order): Promise<Status>;
  /** The same for the order in force, tried until it succeeds; nothing to do where it is served already. */
  follow(): Promise<void>;
  /** Starts nothing more and lets go of the one that serves; where others go on serving, without haste. */
  close(patience?: number): void;
}

export interface SlotDeps {
  readonly system: System;
  readonly log: Log;
  /** In force. */
  order(): Order;
  launch(slot: number, order: Order): ServingProcess;
  onRestart(): void;
  /** A process serves this now. */
  onServing(order: Order): void;
}

/**
 * Milliseconds that connections on which nothing is have when another process takes over: a client that is slow to shake
 * hands, or that sends a request just now, notices nothing.
 */
export const PATIENCE = 5_000;

export function createSlot(number: number, deps: SlotDeps): Slot {
  const { system, log } = deps;
  let current: { readonly process: ServingProcess; readonly order: Order } | undefined;
  let starting: Promise<unknown> = Promise.resolve();
  let timer: Timer | undefined;
  let failures = 0;
  let restarts = 0;
  let closed = false;

  async function launch(order: Order): Promise<Status> {
    if (closed) throw new SidecarError('The sidecar is stopping.', { code: 'stopping', blame: 'operator' });
    const process = deps.launch(number, order);
    const status = await process.ready;
    if (closed) {
      process.drain(order.drain, 0);
      return status;
    }
    timer?.cancel();
    const before = current;
    current = { process, order };
    void process.ended.then((ending) => onEnded(process, ending));
    before?.process.drain(Math.max(before.order.handOver, order.handOver), PATIENCE, order.content);
    deps.onServing(order);
    return status;
  }

  /** One after the other. */
  function replace(order: Order): Promise<Status> {
    const turn = starting.then(() => launch(order));
    starting = turn.catch(() => {});
    return turn;
  }

  async function follow(): Promise<void> {
    timer?.cancel();
    await starting;
    if (closed || current?.order === deps.order()) return;
    try {
      await replace(deps.order());
    } catch (error) {
      const hint = error instanceof SidecarError && error.hint !== undefined ? { hint: error.hint } : {};
      const sentence = `${describeError(error)} As for process ${number}, ${again(0)}.`;
      log.error({ code: 'process-not-ready', process: number, ...hint }, sentence);
    }
  }

  /** Sets the time of the next try, and says how it goes on. */
  function again(lived: number): string {
    if (closed) return 'nothing more is started';
    const decision = decideRestart({ lived, failures });
    failures = decision.failures;
    restarts += 1;
    deps.onRestart();
    timer?.cancel();
    timer = system.setTimer(decision.wait, () => void follow());
    return decision.why;
  }

  function onEnded(process: ServingProcess, ending: Ending): void {
    const served = current?.process === process;
    if (served) current = undefined;
    const { code, signal, lived, lastWords } = ending;
    if (process.leaving && ending.announced) return;
    const seconds = Math.round(lived / 1000);
    const next = served && !process.leaving ? again(lived) : 'it was about to end anyway';
    log.error(
      {
        ...{
          code: 'process-ended',
          process: number,
          pid: process.pid,
          exit_code: code,
          signal,
          lived_seconds: seconds,
        },
        ...(lastWords === '' ? {} : { last_words: lastWords }),
      },
      `Process ${number} ended unexpectedly (${describeEnd(code, signal)}) after ${seconds} s; ${next}.`,
    );
  }

  return {
    number,
    get current() {
      return current?.process;
    },
    get restarts() {
      return restarts;
    },
    replace,
    follow,
    close(patience = 0) {
      closed = true;
      timer?.cancel();
      current?.process.drain(current.order.drain, patience);
    },
  };
}
