import { isJsonObject } from '../matrix/json.ts';

/** An answer of a service for calls, directly or through the sidecar. */
export interface RtcAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** How often Access-Control-Allow-Origin came, a list counting as its values. */
  readonly allowed: number;
}

/** As a browser says it; without it, LiveKit leaves out the header that lets other sites read an answer. */
export const ORIGIN = 'https://call.element.io';

/** A request for a token that no service grants: without room and user. */
export const TOKEN_REQUEST = Object.freeze({
  path: '/sfu/get',
  method: 'POST',
  headers: Object.freeze({ Origin: ORIGIN, 'Content-Type': 'application/json' }),
  body: '{}',
});

/** The offer of a WebSocket without a token; the key is the example of RFC 6455, section 1.3. */
export const WEBSOCKET_OFFER = Object.freeze({
  path: '/rtc',
  method: 'GET',
  headers: Object.freeze({
    ...{ Origin: ORIGIN, Connection: 'Upgrade', Upgrade: 'websocket' },
    ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
  }),
});

/** lk-jwt-service refuses such a request with a Matrix error of its own (400 M_BAD_JSON; older ones M_NOT_JSON). */
export function isTokenService({ status, body }: RtcAnswer): boolean {
  if (status < 400 || status >= 500 || status === 404) return false;
  try {
    const value: unknown = JSON.parse(body.toString());
    return isJsonObject(value) && typeof value['errcode'] === 'string';
  } catch {
    return false;
  }
}

/** LiveKit refuses an offer without a token with 401; a request that came without its Upgrade, with 404. */
export function isMediaServer({ status }: Pick<RtcAnswer, 'status'>): boolean {
  return status === 101 || status === 401 || status === 403;
}

/** `values`: of all fields of that name. */
export function countAllowed(values: readonly string[]): number {
  return values.flatMap((value) => value.split(',')).length;
}
