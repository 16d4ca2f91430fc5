import type { ConnectionFacts } from '../base/connection.ts';
import { SidecarError } from '../base/errors.ts';

/** Header fields as they stand on the wire: name, value, name, value; order, case and duplicates kept. */
export type RawHeaders = readonly string[];

/** Receives a request body. All are called from one place, in this order: any number of data, then end or failed. */
export interface BodySink {
  /** Returns false to be left alone until `resumeBody` is called. */
  data(chunk: Buffer): boolean;
  end(): void;
  /** The body will not be completed: the client went away or broke the framing. */
  failed(error: SidecarError): void;
}

/** The client's fault, whichever way its body ended early. */
export function requestIncomplete(): SidecarError {
  return new SidecarError('The request did not arrive whole.', { code: 'request-incomplete', blame: 'client' });
}

/**
 * One request and its answer, whatever HTTP version carries it. Everything that forwarding and answering need,
 * and nothing else: implemented by http1-exchange.ts and http2-exchange.ts.
 */
export interface Exchange {
  readonly facts: ConnectionFacts;
  readonly method: string;
  /** The request target, byte for byte as it came (each char a byte). */
  readonly target: string;
  /** The Host header or :authority; undefined where an HTTP/1.0 client sent none. */
  readonly authority: string | undefined;
  /** Without pseudo-headers. */
  readonly headers: RawHeaders;
  readonly httpVersion: '1.0' | '1.1' | '2';
  /** The declared length; undefined when there is none, or no body at all. */
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
  /** Waits for 100 (Continue) before it sends its body. */
  readonly expectsContinue: boolean;
  /** May trailers be sent with the answer (RFC 9110 section 6.5.1)? */
  readonly takesTrailers: boolean;
  /** True once the final answer's headers were given. */
  readonly answered: boolean;
  /** The final answer's status; 0 before. */
  readonly status: number;
  /** True once the client or the connection is gone, or the answer complete. */
  readonly closed: boolean;

  /** Bytes of the answer that still wait for the client to take them. */
  readonly unsent: number;

  sendContinue(): void;
  /** 103 (Early Hints) and whatever other 1xx the version can carry. */
  sendInformation(status: number, headers: RawHeaders): void;
  /** Starts reading the body; at most once. */
  readBody(sink: BodySink): void;
  resumeBody(): void;
  /** Gives the final answer's headers, once. The header arrays have no hop-by-hop fields. */
  respond(status: number, reason: string, headers: string[]): void;
  /** Returns false when the client reads slower than this; `onDrain` tells when it has caught up. */
  write(chunk: Buffer): boolean;
  onDrain(listener: () => void): void;
  end(chunk?: Buffer, trailers?: RawHeaders): void;
  /** Ends it now, visibly incomplete: closes the connection or resets the stream. Idempotent. */
  abort(): void;
  /** The same, and its connection ends as well where it would hold what waits on it. */
  drop(): void;
  /** Called once when the client is gone before the answer was complete. There is one such listener. */
  onGone(listener: () => void): void;
  /** Called once when the whole answer has left for the client, or never will. */
  onClosed(listener: () => void): void;
  /**
   * Answers while the client may still be sending: the whole answer goes out, then the connection (stream) ends,
   * after a moment in which what still arrives is thrown away, so that a reset does not overtake the answer.
   */
  respondAndClose(status: number, reason: string, headers: string[], body: Buffer): void;
}
