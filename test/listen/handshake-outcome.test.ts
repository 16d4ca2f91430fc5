import { expect, it } from 'vitest';
import { findHandshakeCause } from '../../src/listen/handshake-outcome.ts';

it.each([
  ['ERR_SSL_HTTP_REQUEST', 'plain-http'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'certificate-refused'],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', 'certificate-refused'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'certificate-refused'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'certificate-refused'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'certificate-refused'],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'alert'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'no-common-version'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'no-common-cipher'],
  ['ERR_SSL_NO_SUITABLE_KEY_SHARE', 'no-common-cipher'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'not-tls'],
  ['ECONNRESET', 'left'],
  ['ERR_SSL_SOMETHING_NEW', 'other'],
  ['', 'other'],
])('%s is %s', (code, cause) => {
  expect(findHandshakeCause(Object.assign(new Error('some'), { code }))).toBe(cause);
});
