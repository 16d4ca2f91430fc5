import type { System, Timer } from '../base/system.ts';
import { isJsonObject } from '../matrix/json.ts';
import { readKeyDocument } from '../matrix/key-document.ts';
import { fetchDocument } from './fetch-document.ts';
import type { UpstreamConnections } from './upstream-connections.ts';

/** What the rest of the world must be able to learn while the homeserver is away: its keys, and what it is. */
export const LAST_GOOD_PATHS = [
  '/_matrix/key/v2/server',
  '/_matrix/federation/v1/version',
  '/_matrix/client/versions',
] as const;
export type LastGoodPath = (typeof LAST_GOOD_PATHS)[number];

/** Milliseconds. Synapse's keys are good for a day, and signed anew in time. */
const REFRESH = 3_600_000;
/** After the start, when a homeserver that was started with us is mostly there; then doubled until it has worked. */
const FIRST_REFRESH = 10_000;
/** After it came back: not among the first that it has to answer. */
const AFTER_RETURN = 2_000;
const SLOWEST_RETRY = 300_000;
/** Bytes of one document. */
const MOST = 64 * 1024;

/** A document as the homeserver last gave it. */
export interface LastGoodDocument {
  readonly body: Buffer;
  /** `System.now` of when it was fetched. */
  readonly fetchedAt: number;
  /** Milliseconds since the epoch; keys are not to be trusted any longer. */
  readonly goodUntil: number;
}

/** The last good documents of one server name. */
export interface LastGood {
  /** Undefined where there is none that is still good. */
  find(path: string): LastGoodDocument | undefined;
  /** Fetches them soon: the homeserver has just come back. */
  refresh(): void;
  close(): void;
}

/**
 * Keeps what `connections` answer for a server name, fetched by ourselves at times, so that no request pays for it. A
 * key document is kept when it is this server's, and signed as it should be.
 */
export function createLastGood(
  slice: { readonly serverName: string; readonly connections: UpstreamConnections },
  deps: {
    readonly system: System;
    /** A question had no answer; `why` is a clause. */
    onUnanswered?(why: string): void;
  },
): LastGood {
  const { system } = deps;
  const documents = new Map<string, LastGoodDocument>();
  let retry = FIRST_REFRESH;
  let timer: Timer | undefined;
  let closed = false;
  arm(FIRST_REFRESH);

  /** One look is planned at a time: while one is under way, it may be asked for another. */
  function arm(delay: number): void {
    timer?.cancel();
    if (!closed) timer = system.setTimer(delay, () => void fetchAll());
  }

  async function fetchAll(): Promise<void> {
    let complete = true;
    let unanswered: string | undefined;
    for (const path of LAST_GOOD_PATHS) {
      const asked = { path, host: slice.serverName, most: MOST };
      const fetched = await fetchDocument(slice.connections, asked, system);
      if (closed) return;
      const goodUntil = fetched.ok && fetched.status === 200 ? judge(path, fetched.body) : undefined;
      if (goodUntil !== undefined && fetched.ok)
        documents.set(path, { body: fetched.body, fetchedAt: system.now(), goodUntil });
      if (!fetched.ok) unanswered ??= fetched.why;
      // A homeserver without federation says 404: nothing to keep, and nothing to try again for.
      else if (!fetched.ok || fetched.status >= 500) complete = false;
    }
    if (unanswered !== undefined) deps.onUnanswered?.(unanswered);
    arm(complete ? REFRESH : retry);
    // One that starts beside us may take a minute, and until then there is nothing to give in its place.
    if (documents.size > 0) retry = complete ? FIRST_REFRESH : Math.min(retry * 2, SLOWEST_RETRY);
  }

  /** Until when it is good; undefined when it is not. */
  function judge(path: LastGoodPath, body: Buffer): number | undefined {
    const document = parseJson(body);
    if (path !== '/_matrix/key/v2/server') return isJsonObject(document) ? Number.POSITIVE_INFINITY : undefined;
    const read = readKeyDocument(document, slice.serverName, system.now());
    return read.ok ? read.value.validUntil : undefined;
  }

  return {
    find(path) {
      const document = documents.get(path);
      return document !== undefined && document.goodUntil > system.now() ? document : undefined;
    },
    refresh() {
      retry = FIRST_REFRESH;
      arm(AFTER_RETURN);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
