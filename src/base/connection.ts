/** The four places a request can come in. */
export type ListenerName = 'https' | 'federation' | 'http' | 'admin';

/** What is known of a connection once it is ready for requests. Written once, never changed. */
export interface ConnectionFacts {
  readonly listener: ListenerName;
  /** The peer's address: the socket's, or the one in a PROXY header from a configured peer. IPv4 in dotted form. */
  readonly peerAddress: string;
  readonly peerPort: number;
  /** The TLS server name (SNI), lower case; undefined without SNI or TLS. */
  readonly serverName: string | undefined;
  /** `TLSv1.2` or `TLSv1.3`; undefined on a plain listener. */
  readonly tlsVersion: string | undefined;
}
