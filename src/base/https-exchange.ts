import type { System } from './system.ts';

/** One request over a TLS connection of its own, to an address that somebody else has chosen. */
export interface HttpsRequest {
  /** An IP address; no name is looked up. */
  readonly address: string;
  readonly port: number;
  /** SNI, and the name (or IP address) that the certificate has to be for. */
  readonly certificateName: string;
  /** The value of Host. */
  readonly host: string;
  readonly method: string;
  /** As it goes onto the wire, byte for byte. */
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** Bytes of the body that are read at most; the answer then says that there was more. */
  readonly maxBody: number;
  /** Milliseconds for each part; every one is bounded, and the sum is bounded by `total`. */
  readonly deadline: { readonly connect: number; readonly handshake: number; readonly total: number };
}

/** What the other side showed in its handshake. Kept also when nobody would trust the certificate. */
export interface TlsFacts {
  /** "TLS 1.3". */
  readonly version: string;
  /** The IANA name of the cipher suite. */
  readonly cipherSuite: string;
  readonly alpn: string | undefined;
  /** DER, the leaf first, as sent by the peer (not completed from elsewhere). */
  readonly chain: readonly Buffer[];
  /**
   * Why the certificate is not trusted for `certificateName`; undefined when it is. OpenSSL's code, and words. A chain
   * that is trusted but for another name has `HOSTNAME_MISMATCH` or `IP_ADDRESS_MISMATCH`.
   */
  readonly untrusted: { readonly code: string; readonly words: string } | undefined;
}

/** How far a request came that did not get its answer. */
export type HttpsFailure =
  | 'refused'
  | 'unreachable'
  | 'connect-timeout'
  | 'handshake-timeout'
  | 'handshake-failed'
  | 'no-tls'
  | 'untrusted'
  | 'reset'
  | 'bad-http'
  | 'answer-timeout';

export type HttpsOutcome =
  | {
      readonly ok: true;
      readonly tls: TlsFacts;
      readonly status: number;
      /** As received, in order. */
      readonly headers: readonly (readonly [string, string])[];
      readonly body: Buffer;
      /** The body was longer than `maxBody` and was not read on. */
      readonly cut: boolean;
      /** Milliseconds from dialling to the end of the answer. */
      readonly took: number;
    }
  | {
      readonly ok: false;
      readonly failure: HttpsFailure;
      /** One clause for a person, without a stack and without the stranger's bytes. */
      readonly words: string;
      /** When the handshake got that far. */
      readonly tls: TlsFacts | undefined;
      readonly took: number;
    };

export interface HttpsExchange {
  /**
   * Never rejects but for an aborted signal. With `verify: false` the certificate is judged and reported, and the
   * request is sent all the same; otherwise nothing is sent to whom we do not trust.
   */
  request(
    request: HttpsRequest,
    options: { readonly verify: boolean; readonly signal: AbortSignal },
  ): Promise<HttpsOutcome>;
}

export interface HttpsExchangeDeps {
  readonly system: System;
  /** Certificates in PEM, one each, trusted beside the machine's own roots. Read with `parseTrustBundle`. */
  readonly ca?: readonly string[];
}
