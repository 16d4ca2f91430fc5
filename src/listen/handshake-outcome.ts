import { errorCode } from '../base/errors.ts';

/** How a TLS handshake was completed; `challenge`: by a CA that validates a name (RFC 8737). */
export type HandshakeKind = 'full' | 'resumed' | 'challenge';

/** Why one was not. `certificate-refused`: the client does not trust what it was shown. */
export type HandshakeCause =
  | 'certificate-refused'
  | 'no-common-version'
  | 'no-common-cipher'
  | 'alert'
  | 'plain-http'
  | 'not-tls'
  | 'proxy-header'
  | 'timeout'
  | 'left'
  | 'other';

/** By OpenSSL's name of the error, as Node gives it. */
const CAUSES: readonly (readonly [RegExp, HandshakeCause])[] = [
  [/^ERR_SSL_HTTP_REQUEST$/, 'plain-http'],
  [/^ERR_SSL_.*ALERT_(BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)/, 'certificate-refused'],
  [/^ERR_SSL_.*ALERT_/, 'alert'],
  [
    /^ERR_SSL_(UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_LOW|NO_APPLICATION_PROTOCOL)$/,
    'no-common-version',
  ],
  [/^ERR_SSL_(NO_SHARED_CIPHER|NO_SUITABLE_|NO_SHARED_)/, 'no-common-cipher'],
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|HTTPS_PROXY_REQUEST|PACKET_LENGTH|UNEXPECTED_MESSAGE|BAD_RECORD|RECORD)/, 'not-tls'],
  [/^(ECONNRESET|EPIPE)$/, 'left'],
];

/** Why a handshake failed, as one of few words: an error's text may have any. Pure. */
export function findHandshakeCause(error: unknown): HandshakeCause {
  const code = errorCode(error) ?? '';
  return CAUSES.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
}
