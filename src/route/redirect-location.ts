import type { ServerName } from '../matrix/server-name.ts';

/** The port that https:// means by itself. */
const USUAL = 443;

export interface RedirectFacts {
  /** The ports of the https listener. */
  readonly httpsPorts: readonly number[];
  /** Where a request without Host is sent. */
  readonly fallback: ServerName;
}

/**
 * The https address that a request in clear text means: the same host and target, on the https port. `authority` is a
 * well-formed Host; its port is that of the clear-text listener, and left out.
 */
export function locateOnHttps(authority: string | undefined, target: string, facts: RedirectFacts): string {
  const host = (authority ?? facts.fallback.text).replace(/:\d*$/, '');
  const port = facts.httpsPorts.includes(USUAL) ? USUAL : (facts.httpsPorts[0] ?? USUAL);
  return `https://${host}${port === USUAL ? '' : `:${port}`}${target}`;
}
