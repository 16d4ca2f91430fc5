/** Answers that may wait for their client at once. Each holds up to 200 KiB, what the homeserver has sent ahead included. */
const MOST = 200;
/** Of those of a network, never too many as long as all together are not: a slow line is no fault, and many have one. */
const FAIR = 8;
/** From so many on, also those of networks with few are cut. */
const UTMOST = 1_000;

/** The answers that wait because their client does not read on. */
export interface UnreadAnswers {
  /** One for `network` waits from now on; `cut` ends it. The result says that it moves on, or is over. */
  wait(network: string, cut: () => void): () => void;
  readonly waiting: number;
  /** One was cut because its client had not read on for as long as it may. */
  noteStalled(): void;
}

/** Why an answer was cut: it was not read for too long, or too many were not. */
export type CutReason = 'stalled' | 'crowded';

/**
 * Bounds how many answers wait for their clients. When there are too many, one of the network with the most is cut, the
 * one that has waited longest: one that is read, however slowly, waits anew each time that it moves.
 */
export function createUnreadAnswers({ onCut }: { onCut?(why: CutReason): void } = {}): UnreadAnswers {
  const lines = new Map<string, Set<() => void>>();
  let waiting = 0;

  function leave(network: string, cut: () => void): void {
    const line = lines.get(network);
    if (line?.delete(cut) !== true) return;
    waiting--;
    if (line.size === 0) lines.delete(network);
  }

  function cutOneTooMany(): void {
    let most: readonly [string, Set<() => void>] | undefined;
    // There are never more lines than answers.
    for (const line of lines) if (most === undefined || line[1].size > most[1].size) most = line;
    if (most![1].size <= FAIR && waiting <= UTMOST) return;
    const [longest] = most![1];
    leave(most![0], longest!);
    onCut?.('crowded');
    longest!();
  }

  return {
    wait(network, cut) {
      // A function of its own each time: it is what it is known by.
      const own = (): void => cut();
      const line = lines.get(network);
      if (line === undefined) lines.set(network, new Set([own]));
      else line.add(own);
      waiting++;
      if (waiting > MOST) cutOneTooMany();
      return () => leave(network, own);
    },
    get waiting() {
      return waiting;
    },
    noteStalled: () => onCut?.('stalled'),
  };
}
