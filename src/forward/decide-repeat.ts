/** What is known of a request that failed before an answer began. */
export interface FailureFacts {
  /** No connection could be opened: nothing of the request has been sent. */
  readonly unsent: boolean;
  /** Its connection died. */
  readonly lost: boolean;
  /** Nothing of its body is lost: none, all of it kept, or not begun. */
  readonly untouched: boolean;
  /** Matrix or HTTP says that a second time does no harm, and the body is here still. */
  readonly repeatable: boolean;
  /** How often its connection died, this time included. */
  readonly losses: number;
  /** Another instance is here, where it has not been. */
  readonly other: boolean;
  /** A reload has given the upstream another place since. */
  readonly moved: boolean;
}

/**
 * `away`: the upstream as a whole is, and the request waits for it or (`wait` false) fails. `ask`: it is asked whether it is
 * here, and then the request is sent again, or waits.
 */
export type Repeat =
  | { readonly do: 'again'; readonly why: string }
  | { readonly do: 'ask'; readonly why: string }
  | { readonly do: 'away'; readonly wait: boolean; readonly why: string }
  | { readonly do: 'fail'; readonly why: string };

/** Times that a request may be sent whose connection died under it: more, and it may be what kills the homeserver. */
const MOST_LOSSES = 3;

/** What becomes of a request that failed before its answer began. Pure. */
export function decideRepeat(facts: FailureFacts): Repeat {
  const { unsent, lost, untouched, repeatable, losses, other, moved } = facts;
  if (unsent) {
    if (moved && untouched) return { do: 'again', why: 'nothing was sent, and a reload says that it is elsewhere' };
    if (!other) return { do: 'away', wait: untouched, why: 'nobody is there to send it to' };
    if (untouched) return { do: 'again', why: 'nothing was sent, and another instance is here' };
    return { do: 'fail', why: 'a part of its body has been read and is gone' };
  }
  if (!lost) return { do: 'fail', why: 'the homeserver has it, and did not answer well' };
  if (!repeatable) return { do: 'fail', why: 'whether it was done, nobody knows, and twice may do harm' };
  if (losses >= MOST_LOSSES) return { do: 'fail', why: `its connection died ${losses} times: it may be the cause` };
  if (moved) return { do: 'again', why: 'its connection died, and a reload says that it is elsewhere' };
  if (other) return { do: 'again', why: 'its connection died, and another instance is here' };
  // Mostly an idle connection that the homeserver closed just as the request went out on it. A fresh one tells.
  if (losses === 1) return { do: 'again', why: 'its connection died, maybe of old age' };
  // A homeserver that is away, behind something that takes its connections, or one that has something against this request.
  return { do: 'ask', why: 'its connection died twice' };
}
