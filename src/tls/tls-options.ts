import { constants } from 'node:crypto';

/**
 * What every TLS connection to us is held to. The cipher list, versions and preference of a connection come from its
 * tls.Server, never from the context that SNI chose: the server and every context are given these same options.
 */
export const tlsOptions = Object.freeze({
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  // TLS 1.3 has no others worth leaving out. Of TLS 1.2, what RFC 9325 section 4.2 recommends: ephemeral key exchange
  // and AEAD only; with ECDHE-RSA, because certificates with RSA keys exist.
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  // All of them are strong, so the client chooses: a phone without AES instructions prefers ChaCha20.
  honorCipherOrder: false,
  // TLS 1.2 let clients ask for one handshake after the other on one connection. None that speaks HTTP does.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const);
