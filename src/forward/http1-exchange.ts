import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { ConnectionFacts } from '../base/connection.ts';
import type { System } from '../base/system.ts';
import { type BodySink, type Exchange, type RawHeaders, requestIncomplete } from './exchange.ts';
import { mayEndWithTrailers } from './response-headers.ts';

/** How long and how much of an unwanted body is read and thrown away so that the client can read its answer. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 4 * 1024 * 1024;

/**
 * Bytes of a body that leaves as one string with its headers: node:http joins strings, and puts a string and a buffer
 * into a vector, which costs more. Beyond some 8 KiB the copies of the string cost more than the vector.
 */
const JOINED_UP_TO = 4 * 1024;

export interface Http1Context {
  readonly facts: ConnectionFacts;
  readonly system: System;
  readonly expectsContinue: boolean;
  /** The connection ends with this answer. */
  isDraining(): boolean;
}

/** An HTTP/1.x request and response of node:http as an Exchange. */
export class Http1Exchange implements Exchange {
  readonly facts: ConnectionFacts;
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly headers: RawHeaders;
  readonly httpVersion: '1.0' | '1.1';
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
  readonly expectsContinue: boolean;
  readonly takesTrailers: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #context: Http1Context;
  #closed = false;
  /** The connection ends with this answer. */
  #closing: boolean;
  #status = 0;
  #bodyBegun = false;
  #onGone: (() => void) | undefined;
  #onClosed: (() => void)[] = [];

  constructor(request: IncomingMessage, response: ServerResponse, context: Http1Context) {
    const known = request.headers;
    this.#request = request;
    this.#response = response;
    this.#context = context;
    this.facts = context.facts;
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '/';
    this.authority = known.host;
    this.headers = request.rawHeaders;
    this.httpVersion = request.httpVersionMinor === 0 ? '1.0' : '1.1';
    const length = known['content-length'];
    this.contentLength = length === undefined ? undefined : Number(length);
    this.hasBody = known['transfer-encoding'] !== undefined || (this.contentLength ?? 0) > 0;
    this.#closing = this.httpVersion === '1.0' || /\bclose\b/i.test(known.connection ?? '');
    this.expectsContinue = context.expectsContinue;
    this.takesTrailers = known.te !== undefined && /(^|[, ])trailers([,; ]|$)/i.test(String(known.te));
    // Node says this once, and `once` costs more than `on`.
    response.on('close', () => {
      this.#closed = true;
      if (!response.writableFinished) this.#onGone?.();
      for (const listener of this.#onClosed) listener();
    });
  }

  get status(): number {
    return this.#status;
  }

  get answered(): boolean {
    return this.#response.headersSent;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get unsent(): number {
    return this.#response.writableLength + this.#request.socket.writableLength;
  }

  sendContinue(): void {
    this.#response.writeContinue();
  }

  sendInformation(status: number, headers: RawHeaders): void {
    // An HTTP/1.0 client would take it for the answer (RFC 9110 section 15.2).
    if (this.httpVersion === '1.0' || this.#response.headersSent) return;
    try {
      this.#response.writeInformation(status, headers);
    } catch {
      // A field that Node finds malformed, or a Node before 24.16 that cannot do it. The answer itself follows.
    }
  }

  readBody(sink: BodySink): void {
    const request = this.#request;
    request.on('data', (chunk: Buffer) => {
      if (!sink.data(chunk)) request.pause();
    });
    request.once('end', () => sink.end());
    request.once('error', () => sink.failed(requestIncomplete()));
    request.once('close', () => {
      if (!request.complete) sink.failed(requestIncomplete());
    });
  }

  resumeBody(): void {
    this.#request.resume();
  }

  respond(status: number, reason: string, headers: string[]): void {
    const response = this.#response;
    // Date and everything else is the homeserver's; nothing is added to its answer.
    this.#status = status;
    response.sendDate = false;
    if (this.#context.isDraining()) {
      this.#closing = true;
      headers.push('Connection', 'close');
    }
    response.writeHead(status, legalReason(status, reason), this.#withoutVainTrailer(status, headers));
    // Node keeps the headers back until there is a body. Mostly that is in this very tick, and one write takes both.
    process.nextTick(flushHeaders, this);
  }

  /** Sends the headers where no body has begun that would take them along. */
  flushHeaders(): void {
    if (!this.#bodyBegun && !this.#closed) this.#response.flushHeaders();
  }

  write(chunk: Buffer): boolean {
    this.#bodyBegun = true;
    return this.#response.write(chunk);
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }

  end(chunk?: Buffer, trailers?: RawHeaders): void {
    const response = this.#response;
    const alone = !this.#bodyBegun;
    this.#bodyBegun = true;
    if (trailers !== undefined && trailers.length > 0 && this.takesTrailers) response.addTrailers(toPairs(trailers));
    const early = !this.#request.complete && this.hasBody;
    if (early && this.#closing) {
      // Node would close the connection with the answer's last byte, and the unread body would turn that into a reset
      // that can overtake the answer: what is left of the body comes first.
      if (chunk !== undefined) response.write(chunk);
      return this.#discard(() => response.end());
    }
    if (chunk === undefined) response.end();
    else if (alone && chunk.length <= JOINED_UP_TO) response.end(chunk.toString('latin1'), 'latin1');
    else response.end(chunk);
    // What is left of the body must not be taken for a request.
    if (early) this.#discard();
  }

  abort(): void {
    this.#response.destroy();
    this.#request.socket.destroy();
  }

  drop(): void {
    this.abort();
  }

  onGone(listener: () => void): void {
    this.#onGone = listener;
  }

  onClosed(listener: () => void): void {
    this.#onClosed.push(listener);
  }

  respondAndClose(status: number, reason: string, headers: string[], body: Buffer): void {
    const response = this.#response;
    this.#status = status;
    // These two have no body, and a length would promise one (RFC 9110 section 8.6).
    const length = status === 204 || status === 304 ? [] : ['Content-Length', String(body.length)];
    const framing = [...length, 'Connection', 'close'];
    response.writeHead(status, legalReason(status, reason), [...headers, ...framing]);
    if (this.#request.complete || !this.hasBody) {
      response.end(body);
      return;
    }
    // The answer is whole on the wire; `end` would close the connection at once, so it waits for the client.
    if (this.method !== 'HEAD') response.write(body);
    this.#discard(() => response.end());
  }

  /** Node throws at a Trailer field in an answer that it does not send in chunks. */
  #withoutVainTrailer(status: number, headers: string[]): string[] {
    if (!namesTrailer(headers)) return headers;
    if (this.httpVersion === '1.1' && mayEndWithTrailers(this.method, status, headers)) return headers;
    return headers.filter((_, index) => !isTrailer(headers[index - (index % 2)]!));
  }

  /** Reads and forgets what is left of the body, within bounds of time and bytes; then cuts the connection. */
  #discard(then?: () => void): void {
    const request = this.#request;
    const { socket } = request;
    let left = LINGER_BYTES;
    const cut = (): void => void socket.destroy();
    const timer = this.#context.system.setTimer(LINGER_MS, then ?? cut);
    socket.once('close', () => timer.cancel());
    request.removeAllListeners('data');
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) cut();
    });
    request.once('end', () => {
      timer.cancel();
      then?.();
    });
    request.resume();
  }
}

function isTrailer(name: string): boolean {
  return name.length === 7 && name.toLowerCase() === 'trailer';
}

function namesTrailer(headers: readonly string[]): boolean {
  for (let index = 0; index < headers.length; index += 2) if (isTrailer(headers[index]!)) return true;
  return false;
}

function flushHeaders(exchange: Http1Exchange): void {
  exchange.flushHeaders();
}

/** The reason phrase, or the usual one where there is none or Node would not write it. */
function legalReason(status: number, reason: string): string {
  return reason === '' || /[^\t\x20-\x7e]/.test(reason) ? (STATUS_CODES[status] ?? 'Unknown') : reason;
}

function toPairs(flat: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < flat.length; index += 2) pairs.push([flat[index]!, flat[index + 1]!]);
  return pairs;
}
