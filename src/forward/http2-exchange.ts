import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ConnectionFacts } from '../base/connection.ts';
import { rawSocketOf } from '../base/raw-socket.ts';
import { type BodySink, type Exchange, type RawHeaders, requestIncomplete } from './exchange.ts';
import { mayEndWithTrailers } from './response-headers.ts';

const NO_DATE: object = { sendDate: false };

/** The parts of a request's header block (RFC 9113 section 8.3.1), taken apart once. */
export interface Http2RequestHead {
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly scheme: string;
  readonly headers: RawHeaders;
  readonly contentLength: number | undefined;
  readonly expectsContinue: boolean;
}

/**
 * Splits a flat header block into pseudo-headers and fields. Cookie crumbs are joined again as HTTP/1.1 needs them
 * (RFC 9113 section 8.2.3). nghttp2 has already refused duplicates, unknown pseudo-headers and upper case.
 */
export function readHttp2Head(block: RawHeaders): Http2RequestHead {
  const headers: string[] = [];
  let method = '';
  let target = '';
  let authority: string | undefined;
  let host: string | undefined;
  let scheme = '';
  let cookieAt = -1;
  let contentLength: number | undefined;
  let expectsContinue = false;
  for (let index = 0; index < block.length; index += 2) {
    const name = block[index]!;
    const value = block[index + 1]!;
    switch (name) {
      case ':method':
        method = value;
        break;
      case ':path':
        target = value;
        break;
      case ':authority':
        authority = value;
        break;
      case ':scheme':
        scheme = value;
        break;
      case 'host':
        host = value;
        headers.push(name, value);
        break;
      case 'cookie':
        if (cookieAt === -1) {
          cookieAt = headers.length + 1;
          headers.push(name, value);
        } else {
          headers[cookieAt] = `${headers[cookieAt]}; ${value}`;
        }
        break;
      case 'content-length':
        contentLength = Number(value);
        headers.push(name, value);
        break;
      case 'expect':
        expectsContinue = value.toLowerCase() === '100-continue';
        break;
      default:
        headers.push(name, value);
    }
  }
  return { method, target, authority: authority ?? host, scheme, headers, contentLength, expectsContinue };
}

/** An HTTP/2 stream of node:http2 as an Exchange. */
export class Http2Exchange implements Exchange {
  readonly facts: ConnectionFacts;
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly headers: RawHeaders;
  readonly httpVersion = '2';
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
  readonly expectsContinue: boolean;
  readonly takesTrailers = true;
  readonly #stream: ServerHttp2Stream;
  readonly #trailers: Record<string, string[]> = {};
  #status = 0;
  #onGone: (() => void) | undefined;
  #onClosed: (() => void)[] = [];
  #closed = false;

  constructor(stream: ServerHttp2Stream, head: Http2RequestHead, endStream: boolean, facts: ConnectionFacts) {
    this.#stream = stream;
    this.facts = facts;
    this.method = head.method;
    this.target = head.target;
    this.authority = head.authority;
    this.headers = head.headers;
    this.contentLength = head.contentLength;
    this.hasBody = !endStream && !stream.readableEnded;
    this.expectsContinue = head.expectsContinue;
    stream.once('close', () => {
      this.#closed = true;
      const complete = this.answered && stream.writableFinished && stream.rstCode === constants.NGHTTP2_NO_ERROR;
      if (!complete) this.#onGone?.();
      for (const listener of this.#onClosed) listener();
    });
  }

  get answered(): boolean {
    return this.#status !== 0;
  }

  get status(): number {
    return this.#status;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get unsent(): number {
    return this.#stream.writableLength;
  }

  sendContinue(): void {
    if (!this.#gone) this.#stream.additionalHeaders({ ':status': 100 });
  }

  sendInformation(status: number, headers: RawHeaders): void {
    if (this.#gone || this.answered) return;
    try {
      this.#stream.additionalHeaders({ ':status': status, ...gather(headers) });
    } catch {
      // A field that Node finds malformed. The answer itself follows.
    }
  }

  readBody(sink: BodySink): void {
    const stream = this.#stream;
    let ended = false;
    const onEnd = (): void => {
      ended = true;
      // Node ends a reset stream like a complete one; `aborted` tells them apart.
      if (stream.aborted) sink.failed(requestIncomplete());
      else sink.end();
    };
    // Node does not wait for a reader to say that an empty body has ended.
    if (stream.readableEnded) return onEnd();
    stream.on('data', (chunk: Buffer) => {
      if (!sink.data(chunk)) stream.pause();
    });
    stream.once('end', onEnd);
    stream.once('close', () => {
      if (!ended) sink.failed(requestIncomplete());
    });
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  respond(status: number, _reason: string, headers: string[]): void {
    // Not #writable: Node ends the writable side of a HEAD request's stream before the answer's headers.
    if (this.#gone) return;
    // Only an answer of no known length can end with trailers: HTTP/1.1 has them behind the last chunk alone.
    const waitForTrailers = mayEndWithTrailers(this.method, status, headers);
    if (waitForTrailers) this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(this.#trailers));
    // `sendDate` is documented for the header object, not typed for the options; Date and all else is the homeserver's.
    this.#stream.respond([':status', String(status), ...headers], { waitForTrailers, ...NO_DATE });
    this.#status = status;
  }

  write(chunk: Buffer): boolean {
    return this.#writable ? this.#stream.write(chunk) : true;
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }

  end(chunk?: Buffer, trailers?: RawHeaders): void {
    const stream = this.#stream;
    if (this.#writable) {
      if (trailers !== undefined) Object.assign(this.#trailers, gather(trailers));
      if (chunk === undefined) stream.end();
      else stream.end(chunk);
    }
    this.#forgetBody();
  }

  abort(): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  drop(): void {
    const { session } = this.#stream;
    this.abort();
    setImmediate(() => {
      if (session === undefined || session.destroyed) return;
      // On a connection that takes nothing, not even the reset goes through, and what waits there waits on. Nor would
      // the session's own end: it waits for what is to be sent before.
      if ((session.state.outboundQueueSize ?? 0) > 0) rawSocketOf(session.socket)?.destroy();
    });
  }

  onGone(listener: () => void): void {
    this.#onGone = listener;
  }

  onClosed(listener: () => void): void {
    this.#onClosed.push(listener);
  }

  respondAndClose(status: number, reason: string, headers: string[], body: Buffer): void {
    const bodiless = status === 204 || status === 304;
    this.respond(status, reason, bodiless ? headers : [...headers, 'content-length', String(body.length)]);
    this.end(bodiless || this.method === 'HEAD' ? undefined : body);
  }

  /** After an early answer the rest of the body is not wanted: RST_STREAM NO_ERROR (RFC 9113 section 8.1). */
  #forgetBody(): void {
    const stream = this.#stream;
    if (stream.readableEnded || !this.hasBody) return;
    stream.removeAllListeners('data');
    stream.resume();
    const close = (): void => {
      if (!stream.readableEnded && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    };
    // Node ends the stream by itself where the status allows no body, which may be over by now.
    if (stream.writableFinished) close();
    else stream.once('finish', close);
  }

  get #gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  get #writable(): boolean {
    return !this.#gone && this.#stream.writable;
  }
}

/** Flat pairs to values by name, as the parts of Node's API take them that have no flat form. */
function gather(headers: RawHeaders): Record<string, string[]> {
  const gathered: Record<string, string[]> = Object.create(null);
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!.toLowerCase();
    const values = gathered[name];
    if (values === undefined) gathered[name] = [headers[index + 1]!];
    else values.push(headers[index + 1]!);
  }
  return gathered;
}
