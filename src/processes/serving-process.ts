import cluster from 'node:cluster';
import type { Status } from '../admin/status.ts';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { MetricFamily } from '../observe/metric-family.ts';
import type { TrafficStatus } from '../observe/traffic-record.ts';
import { keepLastWords } from './last-words.ts';
import {
  type FromServing,
  type FromSupervisor,
  PROTOCOL,
  type StartFailure,
  type Told,
  type Topic,
} from './messages.ts';
import { watchEnd } from './worker-end.ts';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  /** It said before that it ends, or that it cannot start. */
  readonly announced: boolean;
  /** Milliseconds. */
  readonly lived: number;
  /** The end of what it wrote on stderr; '' if nothing. */
  readonly lastWords: string;
}

/** A process that serves, as the supervising process sees it. */
export interface ServingProcess {
  readonly slot: number;
  /** Undefined where the system could not start it. */
  readonly pid: number | undefined;
  /** Milliseconds since it was started. */
  age(): number;
  /** Resolves when it serves. Rejects with a SidecarError when it cannot, and it ends then. */
  readonly ready: Promise<Status>;
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  /** From when it was told to end. */
  readonly leaving: boolean;
  /** What it has counted, as far as is known. */
  readonly counted: readonly MetricFamily[];
  /** What went through it of late; undefined unless it has said goodbye. */
  readonly traffic: TrafficStatus | undefined;
  /** What it tells within `most` milliseconds; undefined otherwise. Never rejects. */
  ask<T extends Topic>(topic: T, most: number): Promise<Told[T] | undefined>;
  /**
   * It may finish what it began; if that takes more than `most` milliseconds and some, it is killed. Connections on which
   * nothing is have `patience` milliseconds. `next` is what its successor serves.
   */
  drain(most: number, patience: number, next?: unknown): void;
  /** At once; killed if that takes long. */
  close(): void;
}

export interface ServingProcessDeps {
  readonly system: System;
  /** Where its stderr goes. */
  stderr(chunk: Buffer): void;
  /** Its admin listener was asked for what all have to tell. Never rejects. */
  onAsked(topic: Topic): Promise<Told[Topic] | undefined>;
}

/** Milliseconds in which a process has to serve; a database may be waited for. */
const START_LIMIT = 60_000;
/** Milliseconds to close everything, and to end. */
const CLOSE_LIMIT = 5_000;

/** Starts the program that is on the disk now. `order` is what it is to serve, for it to read. */
export function forkServing(slot: number, order: unknown, deps: ServingProcessDeps): ServingProcess {
  const { system } = deps;
  const startedAt = system.monotonic();
  const worker = cluster.fork();
  const { stderr } = worker.process;
  // There is none where the system could not start it.
  const words = stderr ? keepLastWords(stderr, deps.stderr) : undefined;
  const questions = new Map<number, (told: Told[Topic] | undefined) => void>();
  const state = {
    asked: 0,
    counted: [] as readonly MetricFamily[],
    traffic: undefined as TrafficStatus | undefined,
    announced: false,
    leaving: false,
  };

  const send = (message: FromSupervisor): void => {
    // It may have gone a moment ago, which is heard of elsewhere.
    if (worker.isConnected()) worker.send(message, () => {});
  };
  const killAfter = (limit: number): void => {
    const timer = system.setTimer(limit, () => void worker.process.kill('SIGKILL'));
    void ended.then(() => timer.cancel());
  };

  const ended = watchEnd(worker, system).then((end): Ending => {
    for (const settle of questions.values()) settle(undefined);
    const lived = system.monotonic() - startedAt;
    return { ...end, announced: state.announced, lived, lastWords: words?.read() ?? '' };
  });

  const ready = new Promise<Status>((resolve, reject) => {
    const tooLong = system.setTimer(START_LIMIT, () => {
      reject(notReady({ message: `Process ${slot} did not serve within ${START_LIMIT / 1000} s; it was stopped.` }));
      worker.process.kill('SIGKILL');
    });
    worker.on('message', (message: FromServing) => {
      if (message.kind === 'ready') {
        tooLong.cancel();
        resolve(message.status);
      } else if (message.kind === 'failed') {
        state.announced = true;
        reject(notReady(message.failure));
        killAfter(CLOSE_LIMIT);
      } else hear(message);
    });
    void ended.then(({ code, signal, lastWords }) => {
      tooLong.cancel();
      const how = `Process ${slot} ended before it served (${describeEnd(code, signal)})`;
      reject(notReady({ message: lastWords === '' ? `${how}.` : `${how}: ${lastWords}` }));
    });
  });
  // Whoever wants to know waits for it.
  ready.catch(() => {});

  function hear(message: Exclude<FromServing, { kind: 'ready' | 'failed' }>): void {
    if (message.kind === 'done') {
      state.announced = true;
      state.counted = message.counted;
      state.traffic = message.traffic;
    } else if (message.kind === 'told') {
      // Also when nobody waits for it any more.
      if (message.topic === 'metrics')
        state.counted = (message.told as Told['metrics']).own.filter(({ type }) => type !== 'gauge');
      questions.get(message.id)?.(message.told);
    } else {
      const answer = deps.onAsked(message.topic);
      void answer.then((told) => send({ kind: 'answer', id: message.id, answer: told ?? null }));
    }
  }

  send({ kind: 'start', protocol: PROTOCOL, slot, order });
  return {
    slot,
    pid: worker.process.pid,
    age: () => system.monotonic() - startedAt,
    ready,
    ended,
    get leaving() {
      return state.leaving;
    },
    get traffic() {
      return state.traffic;
    },
    get counted() {
      return state.counted;
    },
    ask<T extends Topic>(topic: T, most: number) {
      if (!worker.isConnected()) return Promise.resolve(undefined);
      const id = ++state.asked;
      return new Promise<Told[T] | undefined>((resolve) => {
        const settle = (told: Told[Topic] | undefined): void => {
          timer.cancel();
          questions.delete(id);
          resolve(told as Told[T] | undefined);
        };
        const timer = system.setTimer(most, () => settle(undefined));
        questions.set(id, settle);
        send({ kind: 'tell', id, topic });
      });
    },
    drain(most, patience, next) {
      if (!state.leaving) send({ kind: 'drain', patience, next });
      state.leaving = true;
      killAfter(most + patience + CLOSE_LIMIT);
    },
    close() {
      state.leaving = true;
      send({ kind: 'close' });
      killAfter(CLOSE_LIMIT);
    },
  };
}

/** How a process ended, for a sentence. */
export function describeEnd(code: number | null, signal: string | null): string {
  if (signal !== null) return signal;
  return code === null ? 'the system could not start it' : `exit code ${code}`;
}

function notReady({ message, hint, code = 'process-not-ready' }: StartFailure): SidecarError {
  return new SidecarError(message, { code, blame: 'operator', ...(hint === undefined ? {} : { hint }) });
}
