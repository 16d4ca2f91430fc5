import { callApart } from '../base/call-apart.ts';

/** Numbers of requests. */
export interface AdmissionSlice {
  /** Under way at once, of one key. */
  readonly perKey: number;
  /** Under way at once, of all keys together. */
  readonly total: number;
  /** That wait for their turn, of one key; 0 refuses at once. */
  readonly waitingPerKey: number;
  readonly waiting: number;
}

export interface AdmissionStatus {
  readonly running: number;
  readonly waiting: number;
  /** Since the start. */
  readonly refused: number;
}

/** Who may go on, and who waits. */
export interface Admission {
  /**
   * Calls `start` at once, or later when it is its turn; undefined where too many wait already. The result gives the
   * place back, whether it was taken or still waited for; it may be called again.
   */
  enter(key: string, start: () => void): (() => void) | undefined;
  readonly status: AdmissionStatus;
}

interface Lane {
  readonly key: string;
  running: number;
  readonly waiting: Set<() => void>;
}

/**
 * Lets requests through by key (an origin server, a client's network), so that whoever sends many waits behind their own
 * and not in front of others: free places go round the keys that wait, one each. Nothing is kept of a key that has no
 * request here.
 */
export function createAdmission(slice: AdmissionSlice): Admission {
  const lanes = new Map<string, Lane>();
  /** Those with somebody waiting whom their own limit lets go, the longest served before first. */
  const ready = new Set<Lane>();
  let running = 0;
  let waiting = 0;
  let refused = 0;

  function laneOf(key: string): Lane {
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const lane = { key, running: 0, waiting: new Set<() => void>() };
    lanes.set(key, lane);
    return lane;
  }

  function begin(lane: Lane): void {
    running++;
    lane.running++;
  }

  function settle(lane: Lane): void {
    if (lane.waiting.size > 0 && lane.running < slice.perKey) ready.add(lane);
    else ready.delete(lane);
    if (lane.running === 0 && lane.waiting.size === 0) lanes.delete(lane.key);
  }

  function next(): void {
    for (const lane of ready) {
      if (running >= slice.total) return;
      const [start] = lane.waiting;
      lane.waiting.delete(start!);
      waiting--;
      begin(lane);
      // To the end of the round.
      ready.delete(lane);
      settle(lane);
      callApart(start!);
    }
  }

  return {
    enter(key, start) {
      const lane = laneOf(key);
      if (running < slice.total && lane.running < slice.perKey && lane.waiting.size === 0) {
        begin(lane);
        start();
        return once(() => leave(lane));
      }
      if (lane.waiting.size >= slice.waitingPerKey || waiting >= slice.waiting) {
        refused++;
        settle(lane);
        return undefined;
      }
      // A function of its own each time: the same one may wait twice.
      const turn = (): void => start();
      lane.waiting.add(turn);
      waiting++;
      settle(lane);
      return once(() => {
        if (!lane.waiting.delete(turn)) return leave(lane);
        waiting--;
        settle(lane);
      });
    },
    get status() {
      return { running, waiting, refused };
    },
  };

  function leave(lane: Lane): void {
    running--;
    lane.running--;
    settle(lane);
    next();
  }
}

function once(fn: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    fn();
  };
}
