/** What a person is told of a matter: that it began, that it got worse, or that it is over. */
export interface Warning {
  /** What it is about: `certificate`. */
  readonly about: string;
  readonly event: 'began' | 'over';
  /** How bad it is; for `over`, how bad it got. */
  readonly level: string;
  readonly names: readonly string[];
  /** One or two sentences. */
  readonly message: string;
  /** Milliseconds since the epoch, as `nextAttempt` is. */
  readonly expires: number | undefined;
  readonly nextAttempt: number | undefined;
  /** Why the next attempt is then, or why there is none. */
  readonly why: string | undefined;
}

/** The JSON that is posted. `text` alone is what chat services (Slack, Mattermost, matrix-hookshot) show. */
export interface WarningMessage extends Omit<Warning, 'expires' | 'nextAttempt' | 'why'> {
  /** ISO 8601, as `next_attempt` is. */
  readonly expires: string | null;
  readonly next_attempt: string | null;
  readonly why: string | null;
  readonly text: string;
}

/** Characters of what others said, a CA say, that are passed on. */
const LONGEST = 2_000;

export function renderWarning(warning: Warning): WarningMessage {
  const { about, event, level, names, expires, nextAttempt, why } = warning;
  const message = bound(warning.message);
  return {
    about,
    event,
    level,
    names,
    message,
    expires: instant(expires),
    next_attempt: instant(nextAttempt),
    why: why === undefined ? null : bound(why),
    // Chat services read <…> as markup and mentions, and CAs quote the pages that they found.
    text: `matrix-sidecar: ${message.replaceAll('<', '‹').replaceAll('>', '›')}`,
  };
}

function bound(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

function instant(at: number | undefined): string | null {
  return at === undefined || !(Math.abs(at) <= 8.64e15) ? null : new Date(at).toISOString();
}
