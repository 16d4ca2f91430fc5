import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How many requests may wait behind the one that is served: as many as an HTTP/2 connection may have streams. */
export const MAX_WAITING = 100;

/**
 * The requests of one HTTP/1.1 connection, one after the other: the next begins when the answer before it has left
 * whole. Node would begin all that have arrived at once, and so send the homeserver what came behind a request
 * that is refused or that closes the connection (RFC 9112 section 9.6), or run two in another order than was asked.
 */
export interface Turns {
  /**
   * Begins a request now or when its turn comes, and never when the connection ends before that. `response` is
   * undefined for an upgrade, behind which nothing comes. Returns false when too many wait already.
   */
  enter(request: IncomingMessage, response: ServerResponse | undefined, begin: () => void): boolean;
  /** What was broken lies behind all that arrived whole: `then` is called when that is over, at once if nothing runs. */
  finish(then: () => void): void;
  /** What is served now. */
  readonly current: Turn | undefined;
}

/** A request that was begun, and the answer that it gets. */
export interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse | undefined;
}

export function createTurns(socket: Socket): Turns {
  const waiting: (Turn & { readonly begin: () => void })[] = [];
  let current: Turn | undefined;
  let whenDone: (() => void) | undefined;

  function begin(turn: Turn & { readonly begin: () => void }): void {
    current = turn;
    // Node says this once, and `once` costs more than `on`.
    turn.response?.on('close', next);
    turn.begin();
  }

  function next(): void {
    current = undefined;
    // An answer that said `close` has ended the socket by now.
    if (!socket.writable) {
      waiting.length = 0;
      return;
    }
    const turn = waiting.shift();
    if (turn !== undefined) begin(turn);
    else whenDone?.();
  }

  return {
    get current() {
      return current;
    },
    enter(request, response, run) {
      const turn = { request, response, begin: run };
      if (current === undefined) begin(turn);
      else if (waiting.length < MAX_WAITING) waiting.push(turn);
      else return false;
      return true;
    },
    finish(then) {
      if (waiting.at(-1)?.request.complete === false) waiting.pop();
      whenDone = then;
      if (current === undefined) then();
    },
  };
}
