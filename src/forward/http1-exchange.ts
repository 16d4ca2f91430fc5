import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectionFacts } from '../base/connection.ts';
import type { System } from '../base/system.ts';
import type { BodySink, Exchange, RawHeaders } from './exchange.ts';

/** How long and how much of an unwanted body is read and thrown away so that the client can read its answer. */
const LINGER_MS = 2_000;
const LINGER_BYTES = 4 * 1024 * 1024;

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
  #status = 0;
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
    this.expectsContinue = context.expectsContinue;
    this.takesTrailers = known.te !== undefined && /(^|[, ])trailers([,; ]|$)/i.test(String(known.te));
    response.once('close', () => {
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
    // Node can write 103 only, and only with a Link header; other 1xx carry nothing that a client needs.
    if (status !== 103 || this.httpVersion === '1.0' || this.#response.headersSent) return;
    const link: string[] = [];
    for (let index = 0; index < headers.length; index += 2) {
      if (headers[index]!.toLowerCase() === 'link') link.push(headers[index + 1]!);
    }
    try {
      if (link.length > 0) this.#response.writeEarlyHints({ link });
    } catch {
      // A Link that Node finds malformed. The hint is optional (RFC 8297 section 2); the answer follows.
    }
  }

  readBody(sink: BodySink): void {
    const request = this.#request;
    request.on('data', (chunk: Buffer) => {
      if (!sink.data(chunk)) request.pause();
    });
    request.once('end', () => sink.end());
    request.once('error', (error) => sink.failed(error));
    request.once('close', () => {
      if (!request.complete) sink.failed(new Error('the client went away in the middle of its request'));
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
    if (this.#context.isDraining()) headers.push('Connection', 'close');
    response.writeHead(status, reason, headers);
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener);
  }

  end(chunk?: Buffer, trailers?: RawHeaders): void {
    const response = this.#response;
    if (trailers !== undefined && trailers.length > 0 && this.takesTrailers) response.addTrailers(toPairs(trailers));
    if (chunk === undefined) response.end();
    else response.end(chunk);
    // An answer that came before the whole body did: what is left of the body must not be taken for a request.
    if (!this.#request.complete && this.hasBody) this.#discard();
  }

  abort(): void {
    this.#response.destroy();
    this.#request.socket.destroy();
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
    response.writeHead(status, reason, [...headers, 'Content-Length', String(body.length), 'Connection', 'close']);
    if (this.#request.complete || !this.hasBody) {
      response.end(body);
      return;
    }
    // The answer is whole on the wire; `end` would close the connection at once, so it waits for the client.
    if (this.method !== 'HEAD') response.write(body);
    this.#discard(() => response.end());
  }

  /** Reads and forgets what is left of the body, within bounds of time and bytes; then cuts the connection. */
  #discard(then?: () => void): void {
    const request = this.#request;
    const { socket } = request;
    let left = LINGER_BYTES;
    const cut = (): void => void socket.destroy();
    const timer = this.#context.system.setTimer(LINGER_MS, cut);
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

function toPairs(flat: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < flat.length; index += 2) pairs.push([flat[index]!, flat[index + 1]!]);
  return pairs;
}
