/** In place of what was hidden. */
const HIDDEN = '…';

/**
 * What can only be a secret, wherever it stands: tokens as Synapse (handlers/auth.py: `syt_`, `syr_`, `syl_`), the Matrix
 * Authentication Service (crates/data-model/src/tokens.rs: `mat_`, `mar_`, `mct_`, `mcr_`, `mpt_`) and macaroons write them; what follows a
 * name that a token has; and ids by which alone something can be done (MSC4140 delayed events, MSC4108 rendezvous).
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/(?:\b|(?<=%[0-9A-Fa-f]{2}))sy[trl]_[A-Za-z0-9_-]{6,}/g, HIDDEN],
  [/(?:\b|(?<=%[0-9A-Fa-f]{2}))m(?:at|ar|ct|cr|pt)_[A-Za-z0-9_]{6,}/g, HIDDEN],
  [/(?:\b|(?<=%[0-9A-Fa-f]{2}))MDAx[A-Za-z0-9_-]{20,}={0,2}/g, HIDDEN],
  [/((?:access|refresh|login|[ah]s|submit)_?token|client_secret|password)(=|%3[dD])[^&;/\s]+/gi, `$1$2${HIDDEN}`],
  [/(Bearer(?: |%20|\+))[^&;/\s]+/gi, `$1${HIDDEN}`],
  [/(\/delayed_events\/|\/rendezvous\/)[^/]+/g, `$1${HIDDEN}`],
];

/** A text of a stranger's for the log, without what may be a secret. Bounded by its caller. Pure. */
export function hideSecrets(text: string): string {
  let hidden = text;
  for (const [pattern, instead] of SECRETS) hidden = hidden.replace(pattern, instead);
  return hidden;
}
