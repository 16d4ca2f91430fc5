import cluster from 'node:cluster';
import type { AdminSources, OwnSources } from '../admin/admin-route.ts';
import type { Status } from '../admin/status.ts';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { renderExposition } from '../observe/render-exposition.ts';
import {
  type FromServing,
  type FromSupervisor,
  PROTOCOL,
  type StartFailure,
  type Told,
  type Topic,
} from './messages.ts';

/** The way to the supervising process, in a process that serves. */
export interface Link {
  /** Resolves with the place of this process and what it is to serve. */
  readonly order: Promise<{ readonly slot: number; readonly content: unknown }>;
  /** Says that this process serves. */
  ready(status: Status): void;
  /** Says why it cannot, and lets go. */
  failed(failure: StartFailure): Promise<void>;
  /** Tells what all processes together have to tell, and the others what is so in this one. */
  speakForAll(own: OwnSources): AdminSources;
  /**
   * Acts when this process is told to end, and when there is nobody left who could tell it. Resolves when what it was told is
   * done.
   */
  run(actions: { drain(patience: number, next: unknown): Promise<void>; close(): Promise<void> }): Promise<void>;
  /** Says goodbye, with what was counted, and lets go. */
  done(): Promise<void>;
}

type ToEnd = Extract<FromSupervisor, { kind: 'drain' | 'close' }>;

/** Milliseconds that all together get to tell: more than each of them. */
const PATIENCE: Readonly<Record<Topic, number>> = { status: 2_000, metrics: 2_000, readiness: 8_000 };

/** @throws SidecarError `not-supervised` in a process that nobody supervises. */
export function openLink(system: System): Link {
  const { worker } = cluster;
  if (worker === undefined || process.send === undefined) {
    throw new SidecarError('This is for the processes that `serve` starts itself.', {
      code: 'not-supervised',
      blame: 'operator',
      hint: 'Run `serve`; the key `processes` says how many processes there are.',
    });
  }
  const questions = new Map<number, (answer: Told[Topic] | null) => void>();
  let asked = 0;
  let own: OwnSources | undefined;
  const early: ToEnd[] = [];
  let act = (what: ToEnd): void => void early.push(what);

  const send = (message: FromServing): Promise<void> =>
    new Promise((resolve) => {
      if (worker.isConnected()) worker.send(message, () => resolve());
      else resolve();
    });

  async function sendLast(message: FromServing): Promise<void> {
    await send(message);
    if (process.connected) process.disconnect?.();
  }

  const order: Link['order'] = new Promise((resolve, reject) => {
    worker.on('message', (message: FromSupervisor) => {
      if (message.kind === 'start') {
        if (message.protocol === PROTOCOL) resolve({ slot: message.slot, content: message.order });
        else reject(otherRelease());
      } else if (message.kind === 'tell') {
        void tell(message.id, message.topic);
      } else if (message.kind === 'answer') {
        questions.get(message.id)?.(message.answer);
      } else act(message);
    });
  });
  order.catch(() => {});
  worker.once('disconnect', () => {
    // Otherwise Node ends the process at once, with what is under way in it.
    worker.exitedAfterDisconnect = true;
    act({ kind: 'drain', patience: 0 });
  });

  async function tell(id: number, topic: Topic): Promise<void> {
    // Before it serves, there is nothing to tell.
    if (own === undefined) return;
    const { status, readiness, metrics } = own;
    const told = await { status, readiness, metrics: () => metrics.snapshot() }[topic]();
    await send({ kind: 'told', id, topic, told });
  }

  /** What all together tell; undefined where they cannot be asked. */
  function ask<T extends Topic>(topic: T): Promise<Told[T] | undefined> {
    const id = ++asked;
    return new Promise((resolve) => {
      const settle = (answer: Told[Topic] | null): void => {
        timer.cancel();
        questions.delete(id);
        resolve((answer ?? undefined) as Told[T] | undefined);
      };
      const timer = system.setTimer(PATIENCE[topic], () => settle(null));
      questions.set(id, settle);
      void send({ kind: 'ask', id, topic });
    });
  }

  return {
    order,
    ready: (status) => void send({ kind: 'ready', status }),
    failed: (failure) => sendLast({ kind: 'failed', failure }),
    speakForAll(sources) {
      own = sources;
      return {
        status: async () => (await ask('status')) ?? sources.status(),
        readiness: async () => (await ask('readiness')) ?? sources.readiness(),
        metrics: {
          scrape: async () => renderExposition((await ask('metrics')) ?? (await sources.metrics.snapshot())),
        },
      };
    },
    run: ({ drain, close }) =>
      new Promise((resolve, reject) => {
        act = (what) => void (what.kind === 'drain' ? drain(what.patience, what.next) : close()).then(resolve, reject);
        for (const what of early.splice(0)) act(what);
      }),
    done: () =>
      sendLast({
        kind: 'done',
        counted: own?.metrics.describe(['counter', 'histogram']) ?? [],
        traffic: own?.status().traffic,
      }),
  };
}

function otherRelease(): SidecarError {
  return new SidecarError('This release does not understand the process that supervises it, which is of another one.', {
    code: 'process-of-another-release',
    blame: 'operator',
    hint: 'Restart the sidecar; SIGHUP is not enough for this upgrade.',
  });
}
