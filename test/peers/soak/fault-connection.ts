import type { Socket } from 'node:net';
import type { SeededRandom } from '../../harness/seeded-random.ts';
import type { Act } from './act.ts';
import { playFate } from './play-fate.ts';
import { readRequests } from './read-requests.ts';
import { planRequest, type RequestPlan, requestBody, turnOf } from './request-plan.ts';

/** What all connections share. */
export interface Homeserver {
  readonly seed: number;
  readonly dice: SeededRandom;
  isStarting(): boolean;
  /** The acts on this id so far, to be added to. */
  actsOn(id: string): Act[];
  /** Has the answer to this request reached its client? Then the sidecar has read all of it. */
  isHeard(id: string): boolean;
  /** So many requests at most may have been lost just now before they were read. */
  vanish(most: number): void;
  complain(what: string): void;
}

/** One connection from the sidecar. */
export interface FaultConnection {
  /** A request is under way. */
  readonly busy: boolean;
  /** The homeserver goes away. */
  kill(how: 'reset' | 'close'): void;
}

/** A request under way, to be answered or not. */
export interface Arrival {
  readonly plan: RequestPlan;
  readonly act: Act;
  /** Times that it arrived before. */
  readonly before: number;
  readonly socket: Socket;
  readonly dice: SeededRandom;
  /** Calls back in so many milliseconds, if the connection is still there then. */
  later(ms: number, fn: () => void): void;
  /** All of it is written; the connection is free again unless it is to be closed. */
  done(did: Act['did'], keep: boolean): void;
}

/** Milliseconds at most that an idle connection is kept. */
const LONGEST_IDLE = 300;

export function serveConnection(socket: Socket, homeserver: Homeserver): FaultConnection {
  const { dice } = homeserver;
  const timers = new Set<NodeJS.Timeout>();
  let served = 0;
  let over = false;
  let current: Arrival | undefined;
  let last: { readonly act: Act; readonly id: string } | undefined;
  let expected: Buffer = Buffer.alloc(0);
  let received = 0;
  /** It answered before it had read the body, which it reads now. */
  let unread = false;
  let plainRequest: string | undefined;
  let idle: NodeJS.Timeout | undefined;

  const later = (ms: number, fn: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!socket.destroyed) fn();
    }, ms);
    timers.add(timer);
  };

  /** Closed, it is read on: what was sent before that was seen is known. Reset only where no answer can be lost with it. */
  function hangUp(): void {
    over = true;
    if (last !== undefined && homeserver.isHeard(last.id) && dice.chance(0.5)) socket.resetAndDestroy();
    else socket.end();
  }

  function rest(): void {
    idle = setTimeout(
      () => {
        hangUp();
        if (socket.destroyed) homeserver.vanish(1);
      },
      dice.fraction() ** 2 * LONGEST_IDLE,
    );
  }

  function begin(plan: RequestPlan): void {
    const acts = homeserver.actsOn(plan.id);
    const act: Act = {
      did: 'nothing yet',
      status: 0,
      begun: false,
      killedAfter: false,
      wrong: undefined,
      whole: false,
      reused: served > 0,
      at: Date.now(),
    };
    acts.push(act);
    if (over || (served > 0 && dice.chance(0.02))) {
      act.did = 'too late';
      return over ? undefined : hangUp();
    }
    expected = requestBody(plan);
    received = 0;
    const done = (did: Act['did'], keep: boolean): void => {
      act.did = did;
      last = { act, id: plan.id };
      current = undefined;
      served++;
      if (!keep) over = true;
      else if (act.whole) rest();
      else unread = true;
    };
    current = { plan, act, before: acts.length - 1, socket, dice, later, done };
    if (plan.fate.startsWith('early-413') && !homeserver.isStarting()) playFate(current);
  }

  readRequests(socket, {
    head(text) {
      clearTimeout(idle);
      const [method = '', target = ''] = text.split(' ', 2);
      const id = /\r\nx-soak-id: *(\w+)\r\n/i.exec(text)?.[1];
      plainRequest = id === undefined ? target : undefined;
      if (id === undefined) return;
      const plan = planRequest(homeserver.seed, turnOf(id));
      if (plan.id !== id || plan.method !== method || plan.target !== target)
        homeserver.complain(`${id} came as ${method} ${target}, but is ${plan.id} ${plan.method} ${plan.target}`);
      begin(plan);
    },
    body(bytes) {
      if (current === undefined) return;
      const wanted = expected.subarray(received, received + bytes.length);
      if (!bytes.equals(wanted)) current.act.wrong ??= describeDifference(bytes, wanted, received);
      received += bytes.length;
    },
    end() {
      if (over) return;
      if (plainRequest !== undefined) return answerPlainly(plainRequest);
      if (current === undefined) {
        if (unread) rest();
        unread = false;
        return;
      }
      const { plan, act } = current;
      act.whole = true;
      if (received !== expected.length) act.wrong ??= `${received} bytes instead of ${expected.length}`;
      if (act.begun) return;
      if (plan.kind === 'socket') socket.removeAllListeners('data');
      if (homeserver.isStarting()) sayStarting(current);
      else playFate(current);
    },
  });

  /** The sidecar's own questions. */
  function answerPlainly(target: string): void {
    const status = homeserver.isStarting() ? '503 Starting' : target === '/health' ? '200 OK' : '404 Not Found';
    served++;
    last = undefined;
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\n{}`);
    rest();
  }

  function sayStarting({ plan, act, done }: Arrival): void {
    act.status = 503;
    act.begun = true;
    const body = plan.method === 'HEAD' ? '' : '{}';
    socket.write(
      `HTTP/1.1 503 Starting\r\nX-Soak-Id: ${plan.id}\r\nX-Soak-Starting: yes\r\nContent-Length: 2\r\n\r\n${body}`,
    );
    done('said that it starts', true);
  }

  socket.on('error', () => {});
  socket.once('close', () => {
    clearTimeout(idle);
    for (const timer of timers) clearTimeout(timer);
    if (current?.act.did === 'nothing yet') current.act.did = 'abandoned';
    current = undefined;
  });
  return {
    get busy() {
      return current !== undefined;
    },
    kill(how) {
      if (current === undefined && !unread) {
        clearTimeout(idle);
        over = true;
        return void socket.end();
      }
      // With a body on its way, even closing is a reset.
      if (current === undefined) last!.act.killedAfter = true;
      else if (current.act.did === 'nothing yet') current.act.did = 'killed';
      // The end of a body without a length must not look as if it were meant.
      if (how === 'reset' || current?.plan.framing === 'close') socket.resetAndDestroy();
      else socket.destroy();
    },
  };
}

function describeDifference(bytes: Buffer, wanted: Buffer, before: number): string {
  let at = 0;
  while (at < wanted.length && bytes[at] === wanted[at]) at++;
  const show = (some: Buffer): string => JSON.stringify(some.toString('latin1', at, at + 40));
  return `from byte ${before + at} on, ${at} of ${bytes.length} in its piece: ${show(bytes)} instead of ${show(wanted)}`;
}
