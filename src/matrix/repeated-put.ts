import type { RetrySafety } from './endpoint-table.ts';

/** The parameter of MSC4140, "Scheduling a delayed event", and its name until that is accepted. */
const DELAYS = ['delay', 'org.matrix.msc4140.delay'] as const;

/**
 * What its endpoint says of a request's repetition, but for a PUT that schedules a delayed event: a state event has no
 * transaction id, each PUT schedules another one, and the client learns the id of the last only, so that it cannot hold
 * back the others (a call's member would leave). Nor does the proposal say that a message's is known after a restart.
 * `pathEnd` is where the path ends.
 */
export function judgeRepetition(method: string, target: string, pathEnd: number, retry: RetrySafety): RetrySafety {
  if (method !== 'PUT' || pathEnd === target.length) return retry;
  const query = new URLSearchParams(target.slice(pathEnd + 1));
  return DELAYS.some((name) => query.has(name)) ? 'never' : retry;
}
