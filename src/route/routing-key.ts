import { decodePercent, readAccessToken, readTokenUser } from '../matrix/access-token.ts';
import type { BalancingKey } from '../matrix/worker-pools.ts';

/**
 * What a request is spread by. `token`: the user is known to the homeserver alone, which has to be asked whose token
 * it is; who cannot be told goes by the token itself. A token is never logged, nor shown.
 */
export type RoutingKey =
  | { readonly by: 'none' }
  | { readonly by: 'user' | 'room' | 'path-user' | 'origin' | 'address' | 'uri'; readonly value: string }
  | { readonly by: 'token'; readonly token: string };

/** What keys are read from. What costs a look at the headers is asked for only where it matters. */
export interface KeyFacts {
  /** Raw, undecoded. */
  readonly target: string;
  readonly clientAddress: string;
  /** The value of the Authorization header. */
  authorization(): string | undefined;
  /** Who a federation request says that it is from. */
  origin(): string | undefined;
}

export const NO_KEY: RoutingKey = Object.freeze({ by: 'none' });

/** In which part of a path a room, or its alias, stands. */
const ROOM_PLACES = ['/rooms/', '/join/', '/knock/'] as const;
const USER_PLACES = ['/profile/'] as const;

/** Reads the key of one request; `pathEnd` is where the path ends in its target. */
export function readRoutingKey(kind: BalancingKey, facts: KeyFacts, pathEnd: number): RoutingKey {
  switch (kind) {
    case 'none':
      return NO_KEY;
    case 'uri':
      return { by: 'uri', value: facts.target };
    case 'origin': {
      const origin = facts.origin();
      // Synapse asks for the address; the origin means the same, and holds where many servers share one.
      return origin === undefined ? { by: 'address', value: facts.clientAddress } : { by: 'origin', value: origin };
    }
    case 'user':
      return readUserKey(facts, pathEnd);
    case 'room':
    case 'path-user': {
      const value = readId(facts.target, pathEnd, kind === 'room' ? ROOM_PLACES : USER_PLACES);
      return value === undefined ? NO_KEY : { by: kind, value };
    }
  }
}

function readUserKey(facts: KeyFacts, pathEnd: number): RoutingKey {
  const token = readAccessToken(facts.authorization(), facts.target, pathEnd);
  // Without a token any worker can say no.
  if (token === undefined) return NO_KEY;
  const user = readTokenUser(token);
  return user === undefined ? { by: 'token', token } : { by: 'user', value: user };
}

/** The segment behind the first of `places` that there is, decoded: clients do not agree on what they encode. */
function readId(target: string, pathEnd: number, places: readonly string[]): string | undefined {
  for (const place of places) {
    const at = target.indexOf(place);
    if (at === -1 || at + place.length >= pathEnd) continue;
    const start = at + place.length;
    const slash = target.indexOf('/', start);
    return decodePercent(target.slice(start, slash === -1 || slash > pathEnd ? pathEnd : slash));
  }
  return undefined;
}
