import { errorCode } from './errors.ts';
import type { HttpsFailure } from './https-exchange.ts';

/** Why there is no answer, in a clause that has nothing of the stranger's bytes in it. */
export interface FailedExchange {
  readonly failure: HttpsFailure;
  readonly words: string;
}

/** Why nobody took the connection. */
export function explainDial(error: unknown): FailedExchange {
  const code = errorCode(error) ?? '';
  const known = DIAL[code];
  if (known !== undefined) return { failure: known[0], words: known[1] };
  return { failure: 'unreachable', words: `the connection failed${code === '' ? '' : ` (${code})`}` };
}

/** Why the TLS handshake ended without TLS. */
export function explainHandshake(error: unknown): FailedExchange {
  const code = errorCode(error) ?? '';
  if (NOT_TLS.has(code))
    return { failure: 'no-tls', words: 'what it sent is no TLS (plain HTTP or another protocol?)' };
  if (HUNG_UP.has(code)) {
    return { failure: 'handshake-failed', words: 'it closed the connection during the TLS handshake' };
  }
  const why = ALERTS.find(([pattern]) => pattern.test(code))?.[1];
  return { failure: 'handshake-failed', words: `the TLS handshake failed: ${why ?? plainCode(code)}` };
}

/** Why the request had no whole answer, or one that is no HTTP. `begun`: the answer's head was there. */
export function explainAnswer(error: unknown, begun: boolean): FailedExchange {
  const code = errorCode(error) ?? '';
  if (code.startsWith('HPE_')) {
    // An end in the middle of a message is what the parser calls an invalid end of state.
    if (code === 'HPE_INVALID_EOF_STATE') return hungUp(begun);
    return { failure: 'bad-http', words: PARSER[code] ?? `its answer is no valid HTTP/1.1 (${plainCode(code)})` };
  }
  // With TLS 1.3, a server refuses the client's (missing) certificate only after the handshake.
  if (code.includes('CERTIFICATE_REQUIRED')) return explainHandshake(error);
  if (code.startsWith('ERR_SSL_')) return { failure: 'reset', words: `the TLS connection broke: ${plainCode(code)}` };
  return hungUp(begun);
}

function hungUp(begun: boolean): FailedExchange {
  const when = begun ? 'in the middle of its answer' : 'without an answer';
  return { failure: 'reset', words: `it closed the connection ${when}` };
}

/** OpenSSL's and the parser's codes are constants of theirs: `ERR_SSL_DH_KEY_TOO_SMALL` becomes `dh key too small`. */
function plainCode(code: string): string {
  return code === ''
    ? 'for no known reason'
    : code
        .replace(/^(ERR_SSL_|HPE_|ERR_)/, '')
        .replaceAll('_', ' ')
        .toLowerCase();
}

const DIAL: Readonly<Record<string, readonly [HttpsFailure, string]>> = {
  ECONNREFUSED: ['refused', 'nothing listens there (connection refused)'],
  ECONNRESET: ['reset', 'it reset the connection at once'],
  ETIMEDOUT: ['connect-timeout', 'it did not answer to the connection attempt'],
  EHOSTUNREACH: ['unreachable', 'there is no way to that host'],
  ENETUNREACH: ['unreachable', 'this machine has no way to that network'],
  EADDRNOTAVAIL: ['unreachable', 'this machine has no address to reach that network from'],
  EAFNOSUPPORT: ['unreachable', 'this machine has no such address family'],
  EACCES: ['unreachable', 'this machine may not connect there'],
  EPERM: ['unreachable', 'this machine may not connect there'],
  EINVAL: ['unreachable', 'that address cannot be connected to'],
  EMFILE: ['unreachable', 'this machine has no file descriptors left'],
};

const HUNG_UP = new Set(['ECONNRESET', 'EPIPE', 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING', 'ERR_STREAM_PREMATURE_CLOSE']);

const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_BAD_RECORD_TYPE',
  'ERR_SSL_RECORD_LENGTH_MISMATCH',
]);

const ALERTS: readonly (readonly [RegExp, string])[] = [
  [/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, 'it speaks neither TLS 1.2 nor TLS 1.3'],
  [/UNRECOGNIZED_NAME/, 'it has no certificate for this name (alert unrecognized_name)'],
  [/CERTIFICATE_REQUIRED/, 'it wants a certificate of the client'],
  [/NO_APPLICATION_PROTOCOL/, 'it refuses HTTP/1.1 (alert no_application_protocol)'],
  [/ALERT_HANDSHAKE_FAILURE/, 'it found nothing in common with us, or has no certificate (alert handshake_failure)'],
  [/ALERT_INTERNAL_ERROR/, 'it has a trouble of its own, often no certificate for this name (alert internal_error)'],
  [/ALERT_ACCESS_DENIED/, 'it denies us access (alert access_denied)'],
];

const PARSER: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'the headers of its answer do not end',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'its answer has chunk extensions that do not end',
  HPE_INVALID_CONSTANT: 'its answer is no HTTP/1.1',
  HPE_INVALID_VERSION: 'its answer is in no known version of HTTP',
  HPE_INVALID_CHUNK_SIZE: 'its answer has a chunk of an impossible size',
  HPE_INVALID_CONTENT_LENGTH:
    'its answer has a Content-Length that is impossible, or stands beside a Transfer-Encoding',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'its answer has a Content-Length beside a Transfer-Encoding',
  HPE_INVALID_TRANSFER_ENCODING:
    'its answer has a Transfer-Encoding that is impossible, or stands beside a Content-Length',
};
