/** Characters; Synapse's own have about 60, and those of others a few hundred. */
const LONGEST = 4096;
/** What can stand in an Authorization header after the scheme: no blank, no control, ASCII alone. */
const TOKEN = /^[!-~]+$/;
/** `syt_<unpadded Base64 of the localpart>_<20 letters>_<CRC in base 62>` (Synapse, handlers/auth.py). */
const SYNAPSE_TOKEN = /^syt_([A-Za-z0-9+/]{1,400})_[A-Za-z]{20}_[0-9A-Za-z]{6,8}$/;

/**
 * The access token of a request, where Synapse looks for one (api/auth/base.py): in the Authorization header
 * (client-server API, "Using access tokens"), else in the query. Undefined where there is none, or none that could be
 * sent on in a header.
 */
export function readAccessToken(
  authorization: string | undefined,
  target: string,
  pathEnd: number,
): string | undefined {
  const token =
    authorization === undefined
      ? decodePercent(readParameter(target, pathEnd, 'access_token') ?? '')
      : readBearer(authorization);
  return token !== undefined && token.length <= LONGEST && TOKEN.test(token) ? token : undefined;
}

function readBearer(authorization: string): string | undefined {
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? authorization.slice(7).trim() : undefined;
}

/**
 * The localpart that a token of Synapse's own names; undefined for all others, such as those of an authentication
 * service. Whether the token is good is not asked: that is for the homeserver, and the CRC in it would say nothing of it.
 */
export function readTokenUser(token: string): string | undefined {
  const match = SYNAPSE_TOKEN.exec(token);
  return match === null ? undefined : Buffer.from(match[1]!, 'base64').toString();
}

/** The first value of a query's parameter, as it is written; undefined where it is not there. */
export function readParameter(target: string, pathEnd: number, name: string): string | undefined {
  let at = pathEnd;
  while (at < target.length) {
    at += 1;
    const next = target.indexOf('&', at);
    const stop = next === -1 ? target.length : next;
    if (target.startsWith(name, at) && target.charCodeAt(at + name.length) === 0x3d) {
      return target.slice(at + name.length + 1, stop);
    }
    at = stop;
  }
  return undefined;
}

/** Text without percent-encoding, or as it was where that is broken. */
export function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
