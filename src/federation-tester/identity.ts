import type { System } from '../base/system.ts';
import type { JsonObject } from '../matrix/json.ts';
import { buildKeyDocument } from '../matrix/key-document.ts';
import type { ServerName } from '../matrix/server-name.ts';
import type { SigningKey } from '../matrix/signing.ts';

/**
 * In whose name requests are signed. The tested server fetches the key document of `serverName` by the usual
 * discovery, so somebody has to answer there with what `publish` gives.
 */
export interface Identity {
  readonly serverName: ServerName;
  readonly key: SigningKey;
  /** The signed key document of this moment, for whoever asks for /_matrix/key/v2/server. Each call counts as a fetch. */
  publish(): JsonObject;
  /** How often `publish` was called; undefined when somebody else serves the document and does not count. */
  keyFetches(): number | undefined;
}

/** Long enough for a test and its repetition; a key that nobody uses any more is soon forgotten. Milliseconds. */
const VALIDITY = 2 * 3_600_000;

/**
 * An identity whose document is served by this process. A key of its own for each run makes every tested server fetch
 * it anew, so that "could not fetch it" and "refused our signature" can be told apart.
 */
export function createIdentity(
  slice: { readonly serverName: ServerName; readonly key: SigningKey },
  deps: { readonly system: System },
): Identity {
  let fetches = 0;
  return {
    ...slice,
    publish() {
      fetches += 1;
      return buildKeyDocument(slice.serverName.text, slice.key, deps.system.now() + VALIDITY);
    },
    keyFetches: () => fetches,
  };
}
