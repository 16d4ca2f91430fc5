import type { ServerView } from './name-servers.ts';

export interface PropagationDecision {
  /** `ask-resolver`: no name server can be asked from here, so what the machine's resolver says has to do. */
  readonly do: 'proceed' | 'wait' | 'ask-resolver';
  readonly why: string;
}

/** Milliseconds that a name server that does not answer is waited for, when others do. */
export const SILENCE = 30_000;

/**
 * Can a CA see the record? Every name server of the zone must show it: the CA asks whichever it likes, from several
 * places. One that answers nobody does no harm, and one that only does not answer us must not stop us for ever.
 *
 * `waited`: milliseconds since the record was written.
 */
export function decidePropagation(views: readonly ServerView[], waited: number): PropagationDecision {
  const behind = views.filter((view) => view.shows === 'nothing');
  if (behind.length > 0) return { do: 'wait', why: `${list(behind)} ${does(behind)} not show it yet` };
  const silent = views.filter((view) => view.shows === 'no-answer');
  if (views.length === 0) return { do: 'ask-resolver', why: 'the zone has no name servers that could be asked' };
  if (silent.length === 0) return { do: 'proceed', why: 'every name server of the zone shows it' };
  const silence = `${list(silent)} ${does(silent)} not answer`;
  if (waited < SILENCE) return { do: 'wait', why: silence };
  if (silent.length === views.length) return { do: 'ask-resolver', why: `${silence} (port 53 may be closed to us)` };
  return { do: 'proceed', why: `the others show it, and ${silence}` };
}

function list(views: readonly ServerView[]): string {
  return views.map((view) => view.server).join(', ');
}

function does(views: readonly ServerView[]): string {
  return views.length === 1 ? 'does' : 'do';
}
