/** What a person is told of a matter: that it began, that it got worse, or that it is over. */
export interface Warning {
  /** What it is about: `certificate`, `homeserver`, `federation` or `apex`. */
  readonly about: string;
  readonly event: 'began' | 'over';
  /** How bad it is; for `over`, how bad it got. */
  readonly level: string;
  readonly names: readonly string[];
  /** One or two sentences. */
  readonly message: string;
  /** What to do, in a sentence or two; undefined where the message says it, or it is over. */
  readonly fix?: string | undefined;
  /** Of a certificate: milliseconds since the epoch, as `nextAttempt` is. */
  readonly expires?: number | undefined;
  readonly nextAttempt?: number | undefined;
  /** Why the next attempt is then, or why there is none. */
  readonly why?: string | undefined;
}

/**
 * The JSON that is posted. `text` alone is what chat services (Slack, Mattermost) show; matrix-hookshot shows `html`, and would
 * take `text` alone for Markdown.
 */
export interface WarningMessage extends Omit<Warning, 'fix' | 'expires' | 'nextAttempt' | 'why'> {
  readonly fix: string | null;
  /** ISO 8601, as `next_attempt` is. */
  readonly expires: string | null;
  readonly next_attempt: string | null;
  readonly why: string | null;
  readonly text: string;
  readonly html: string;
}

/** Characters of what others said, a CA say, that are passed on. */
const LONGEST = 2_000;

export function renderWarning(warning: Warning): WarningMessage {
  const { about, event, level, names, expires, nextAttempt, why } = warning;
  const message = bound(warning.message);
  const fix = boundOrNull(warning.fix);
  const lines = [`matrix-sidecar: ${message}`, ...(fix === null ? [] : [`To do: ${fix}`])].map(callNobody);
  return {
    ...{ about, event, level, names, message, fix },
    expires: instant(expires),
    next_attempt: instant(nextAttempt),
    why: boundOrNull(why),
    // Chat services read <…> as markup and mentions, and CAs quote the pages that they found.
    text: lines.join('\n').replaceAll('<', '‹').replaceAll('>', '›'),
    html: lines.map(escapeHtml).join('<br>'),
  };
}

function boundOrNull(text: string | undefined): string | null {
  return text === undefined ? null : bound(text);
}

/** What wakes a whole room in Matrix, Mattermost or Slack: a stranger's document may have it. */
function callNobody(text: string): string {
  return text.replaceAll(/@(?=(?:room|channel|all|here|everyone)\b)/gi, '＠');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function bound(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  // Half of a character is no JSON for a homeserver, which would refuse the message each time.
  return (line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line).toWellFormed();
}

function instant(at: number | undefined): string | null {
  return at === undefined || !(Math.abs(at) <= 8.64e15) ? null : new Date(at).toISOString();
}
