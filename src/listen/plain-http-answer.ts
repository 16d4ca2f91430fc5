import { STATUS_CODES } from 'node:http';

/**
 * A whole HTTP/1.1 answer as bytes, for the moments before or after a request could be parsed. JSON as Matrix
 * clients expect it, readable by any of them (`Access-Control-Allow-Origin: *`), and the connection ends with it.
 * `now` in milliseconds since the epoch, for Date (RFC 9110 section 6.6.1).
 */
export function rawAnswer(status: number, errcode: string, error: string, now: number): string {
  const body = JSON.stringify({ errcode, error });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    `Date: ${new Date(now).toUTCString()}`,
    'Content-Type: application/json',
    'Access-Control-Allow-Origin: *',
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** For a request in clear text on a TLS port. */
export function plainHttpAnswer(now: number): string {
  return rawAnswer(400, 'M_UNKNOWN', 'This port speaks TLS: use https:// instead of http://.', now);
}
