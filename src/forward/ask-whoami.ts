import type { System } from '../base/system.ts';
import { isJsonObject } from '../matrix/json.ts';
import { fetchDocument } from './fetch-document.ts';
import type { AskWhoami, WhoamiAnswer } from './token-users.ts';
import type { UpstreamConnections } from './upstream-connections.ts';

const PATH = '/_matrix/client/v3/account/whoami';
/** Bytes. */
const MOST = 16 * 1024;

/**
 * Asks one process of a homeserver whose token it is (client-server API, "Current account information"). The question
 * names the client that sent the token: Synapse notes address and user agent of each request that has one, and shows
 * them in the list of a user's sessions (api/auth/base.py, `_record_request`).
 */
export function createAskWhoami(
  slice: { readonly serverName: string; readonly connections: UpstreamConnections },
  deps: { readonly system: System },
): AskWhoami {
  const { connections } = slice;
  return async (token, asker) => {
    const { clientAddress, userAgent } = asker;
    const asked = { path: PATH, host: slice.serverName, most: MOST, clientAddress, userAgent };
    const fetched = await fetchDocument(connections, { ...asked, authorization: `Bearer ${token}` }, deps.system);
    if (!fetched.ok) return { kind: 'failed' };
    return fetched.status === 200
      ? readAnswer(fetched.body)
      : { kind: isRefusal(fetched.status) ? 'refused' : 'failed' };
  };
}

function isRefusal(status: number): boolean {
  return status === 401 || status === 403;
}

function readAnswer(body: Buffer): WhoamiAnswer {
  try {
    const answer: unknown = JSON.parse(body.toString());
    const user = isJsonObject(answer) ? answer['user_id'] : undefined;
    const match = typeof user === 'string' ? /^@([^:]{1,255}):/.exec(user) : null;
    return match === null ? { kind: 'failed' } : { kind: 'user', localpart: match[1]! };
  } catch {
    return { kind: 'failed' };
  }
}
