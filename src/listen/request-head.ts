import type { IncomingMessage } from 'node:http';

/** Header fields of one request at most; as many as over HTTP/2. HAProxy takes 101, Apache 100. */
export const MAX_HEADER_FIELDS = 128;

/** An answer to what is no request that can be served, whatever it asks for. */
export interface Refusal {
  readonly status: number;
  readonly errcode: 'M_UNKNOWN' | 'M_UNRECOGNIZED' | 'M_TOO_LARGE' | 'M_LIMIT_EXCEEDED';
  readonly message: string;
}

const malformed = (message: string): Refusal => ({ status: 400, errcode: 'M_UNKNOWN', message });

const OTHER_PROTOCOL: Refusal = { status: 505, errcode: 'M_UNKNOWN', message: 'Only HTTP/1.1 and HTTP/2 are spoken.' };
const TOO_MANY_FIELDS: Refusal = {
  status: 431,
  errcode: 'M_TOO_LARGE',
  message: `The request has more than ${MAX_HEADER_FIELDS} header fields.`,
};
const NO_HOST = malformed('The request has no Host header.');
const TWO_HOSTS = malformed('The request has more than one Host header.');
const CODING = malformed('The only transfer coding that is served is chunked, in HTTP/1.1.');

type Head = Pick<IncomingMessage, 'rawHeaders' | 'httpVersion' | 'method'>;

/**
 * What Node's parser lets through and no server may act on; undefined when all is well. Two readers of such a
 * request could disagree on whom it is for (RFC 9112 section 3.2) or where it ends (section 6.1).
 */
export function findHeadFault(request: Head): Refusal | undefined {
  const { rawHeaders, httpVersion } = request;
  // HTTP/0.9 and HTTP/2.0 in clear text; and SOURCE is not of HTTP: the parser knows it from ICE, which is Icecast's.
  if ((httpVersion !== '1.1' && httpVersion !== '1.0') || request.method === 'SOURCE') return OTHER_PROTOCOL;
  if (rawHeaders.length > 2 * MAX_HEADER_FIELDS) return TOO_MANY_FIELDS;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    // By length first: this runs over every header of every request.
    if (name.length === 4) {
      if (name.toLowerCase() === 'host') hosts++;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (httpVersion === '1.0' || rawHeaders[index + 1]!.toLowerCase() !== 'chunked') return CODING;
    }
  }
  if (hosts > 1) return TWO_HOSTS;
  return hosts === 0 && httpVersion === '1.1' ? NO_HOST : undefined;
}

/**
 * Is this the offer of a WebSocket that the sidecar takes up? Any other offer is ignored, as RFC 9110 section 7.8
 * allows for all and demands in HTTP/1.0; also with a body, whose end a homeserver could see elsewhere than we do.
 */
export function offersWebSocket(request: Pick<IncomingMessage, 'headers' | 'httpVersion' | 'method'>): boolean {
  const { headers } = request;
  return (
    request.method === 'GET' &&
    request.httpVersion === '1.1' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] === undefined || Number(headers['content-length']) === 0)
  );
}
