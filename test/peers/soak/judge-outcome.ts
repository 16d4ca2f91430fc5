import type { Act, Span } from './act.ts';
import type { Outcome } from './outcome.ts';
import type { RequestPlan } from './request-plan.ts';

/** What a request's end is, beside what the homeserver did to it. */
export type Judgement =
  | { readonly is: 'answered' }
  /** Not answered as it should have been, and the homeserver is why; if it was lost so many times without being read. */
  | { readonly is: 'explained'; readonly by: string; readonly unread: number }
  | { readonly is: 'left' }
  | { readonly is: 'defect'; readonly what: string };

/** What is known of a request but for its end. */
export interface Evidence {
  readonly acts: readonly Act[];
  /** When the homeserver said 503 because it started. */
  readonly starts: readonly Span[];
  /** When it could not be reached. */
  readonly outages: readonly Span[];
}

/** A request may be lost this often before it is given up (src/forward/decide-repeat.ts). */
const MOST_LOSSES = 3;
/** Milliseconds that a homeserver which has said that it is here is believed to be (src/forward/health-check.ts). */
const BELIEVED = 1_000;
/** Milliseconds that a request of another server waits for its turn (src/app/handle-request.ts). */
const QUEUED = 45_000;
/** Milliseconds by which the processes may see the same moment at different times. */
const SLACK = 200;

const LOSSES: ReadonlySet<Act['did']> = new Set(['died', 'half a head', 'killed', 'too late']);

/** Compares what the client got with what the homeserver did. Pure. */
export function judgeOutcome(plan: RequestPlan, outcome: Outcome, evidence: Evidence): Judgement {
  const { acts } = evidence;
  const defect = (what: string): Judgement => ({ is: 'defect', what });
  const arrivals = judgeArrivals(plan, acts);
  if (arrivals !== undefined) return defect(arrivals);
  const mixed = [outcome.answers, outcome.trailer].find((id) => id !== undefined && id !== plan.id);
  if (mixed !== undefined) return defect(`the answer to another request: ${mixed}`);
  switch (outcome.end) {
    case 'hung':
      return defect('no end');
    case 'left':
      return plan.leaves === undefined ? defect('left though it should not have') : { is: 'left' };
    case 'failed':
      return defect(`no answer: ${outcome.detail}`);
    case 'cut':
      return judgeCut(plan, outcome, acts);
    case 'whole':
      return outcome.answers === undefined ? judgeOwn(plan, outcome, evidence) : judgeWhole(plan, outcome, evidence);
  }
}

/** Did it arrive whole, as itself, and no more often than it may? */
function judgeArrivals(plan: RequestPlan, acts: readonly Act[]): string | undefined {
  const early = plan.fate.startsWith('early-413');
  for (const act of acts) {
    if (act.wrong !== undefined && act.did !== 'too late') return `another body arrived, ${act.wrong}`;
    const complete = act.whole || act.did === 'too late' || act.did === 'killed' || act.did === 'abandoned' || early;
    if (!complete) return `${act.did}, but the request did not arrive whole`;
    if (plan.repeat === 'once' && act.reused && plan.kind !== 'socket')
      return 'on a connection that was used before, though it may not be sent again';
  }
  if (plan.repeat === 'once' && acts.length > 1) return `arrived ${acts.length} times`;
  // A 503 in an absence is taken for a part of it: sent anew each time that the homeserver seems to be back.
  const seemedAway = acts.filter(({ status }) => status === 503).length;
  if (acts.length - seemedAway > MOST_LOSSES) return `arrived ${acts.length} times`;
  return undefined;
}

function judgeWhole(plan: RequestPlan, outcome: Outcome, { acts, starts }: Evidence): Judgement {
  const last = acts.at(-1);
  if (last === undefined) return { is: 'defect', what: 'answered, but it never arrived' };
  if (outcome.starting) {
    if (last.did !== 'said that it starts') return { is: 'defect', what: `503 of a start, but it ${last.did}` };
    return isWaitedFor(plan) && !isDoubtless(last, outcome, starts)
      ? { is: 'defect', what: 'given the 503 of a start, which it should have waited for' }
      : explained('the homeserver starts');
  }
  const all = plan.kind === 'socket' ? outcome.status !== 101 || outcome.body === 'right' : true;
  if (!all) return judgeCut(plan, outcome, acts);
  // It went away when all of the answer was on its way, for all that it knew.
  const late = last.did === 'killed' && last.begun && outcome.body === 'right';
  if (last.did !== 'answered' && !late)
    return { is: 'defect', what: `a whole answer ${outcome.status}, but it: ${last.did}` };
  if (last.status !== outcome.status) return { is: 'defect', what: `${outcome.status} for ${last.status}` };
  return outcome.body === 'right' ? { is: 'answered' } : { is: 'defect', what: 'a whole answer with a wrong body' };
}

function judgeCut(plan: RequestPlan, outcome: Outcome, acts: readonly Act[]): Judgement {
  const last = acts.at(-1);
  if (outcome.body === 'wrong') return { is: 'defect', what: 'an answer that was cut, with a wrong body' };
  if (last === undefined) return { is: 'defect', what: 'an answer that was cut, but it never arrived' };
  if (last.did === 'half a body') return explained('half a body');
  if (last.did === 'killed' && last.begun) return explained('went away in the middle of its answer');
  if (last.killedAfter) return explained('reset in the moment of its answer');
  if (plan.fate === 'early-413-closes') return explained('closed on the body');
  return { is: 'defect', what: `an answer that was cut, but it: ${last.did}` };
}

/** May the 503 of a homeserver that starts not be what the client sees (src/forward/forward-request.ts)? */
function isWaitedFor({ repeat, method, kind }: RequestPlan): boolean {
  return repeat === 'often' && method !== 'HEAD' && kind !== 'socket';
}

/** Was the homeserver here, for all that the sidecar could know: it had said so just before, or says so by now? */
function isDoubtless({ at }: Act, outcome: Outcome, starts: readonly Span[]): boolean {
  const [start] = starts.filter(({ from, to }) => from <= at && at <= to + SLACK).slice(-1);
  return start !== undefined && (at < start.from + BELIEVED + SLACK || outcome.at > start.to - SLACK);
}

/** An answer of the sidecar's own: it has to say that there was none of the homeserver's. */
function judgeOwn(plan: RequestPlan, outcome: Outcome, { acts, outages }: Evidence): Judgement {
  const { status, words, at, took } = outcome;
  const last = acts.at(-1);
  const says = `${status} ${words}`;
  if (status === 504) {
    const hangs = last?.did === 'half a head' && plan.fate === 'half-head-hangs';
    return hangs ? explained('half a head') : { is: 'defect', what: `${says} though it: ${last?.did}` };
  }
  // Behind others of its server, each of which waited for the homeserver as well.
  if (status === 429 && took >= QUEUED) return explained('waited for its turn in vain');
  if (status !== 502) return { is: 'defect', what: `of the sidecar's own: ${says}` };
  if (last?.did === 'garbage') return explained('garbage');
  if (last !== undefined && plan.fate === 'early-413-closes') return explained('closed on the body');
  const isAway = outages.some(({ from, to }) => from < at + SLACK && to > at - took - SLACK);
  if (waitedInVain(plan, outcome) && isAway) {
    const lost = countLosses(acts) > 0;
    return explained(lost ? 'lost, and waited as long as it might or had no time left' : 'waited as long as it might');
  }
  if (last === undefined && plan.kind === 'socket' && isAway) return explained('no homeserver for a WebSocket');
  if (last?.did === 'answered' && !last.killedAfter) return { is: 'defect', what: `${says} though it: ${last.did}` };
  if (last?.did === 'abandoned') return { is: 'defect', what: `${says} though it waited for the answer` };
  const may = plan.repeat === 'often' ? MOST_LOSSES : 1;
  const unread = may - countLosses(acts);
  if (unread < 0) return { is: 'defect', what: `${says} after ${may - unread} losses` };
  return { is: 'explained', by: last === undefined ? 'went away without reading it' : last.did, unread };
}

/** Times that the connection died under it, of those times that it was read. */
export function countLosses(acts: readonly Act[]): number {
  return acts.filter(({ did, killedAfter }) => LOSSES.has(did) || killedAfter).length;
}

function explained(by: string): Judgement {
  return { is: 'explained', by, unread: 0 };
}

/** Was it given up because the homeserver was away for longer than it may wait? */
export function waitedInVain(plan: RequestPlan, { status, answers, took, end }: Outcome): boolean {
  return end === 'whole' && status === 502 && answers === undefined && plan.patience > 0 && took >= plan.patience - 50;
}
