import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { expectsBody, unfit, type WrittenHead } from './write-head.ts';

/** Bytes of a body that leave as one string with the head; beyond, a vector of both is cheaper than the copies. */
const JOINED_UP_TO = 4 * 1024;

/** A request without a body, in one write. */
export function sendBare(socket: Socket, head: WrittenHead, method: string): void {
  socket.write(`${head.text}${expectsBody(method) ? 'content-length: 0\r\n' : ''}\r\n`, 'latin1');
}

/** A request whose body is here, in one write. Throws a WireError where it has another length than declared. */
export function sendWhole(socket: Socket, head: WrittenHead, body: Buffer): void {
  const { length } = body;
  if (head.declared !== undefined && head.declared !== length) throw mismatch();
  const text = `${head.text}content-length: ${length}\r\n\r\n`;
  if (length <= JOINED_UP_TO) {
    socket.write(text + body.toString('latin1'), 'latin1');
    return;
  }
  socket.cork();
  socket.write(text, 'latin1');
  socket.write(body);
  socket.uncork();
}

export interface BodySenderDeps {
  /** Something was written; `full`: the homeserver has to take some of it before there is more. */
  moved(full: boolean): void;
  /** All of it was written. */
  sent(): void;
  /** It will not be whole: the client's side of it failed, or it is not as long as declared. */
  failed(error: Error): void;
}

/** Sends a request whose body is on its way, as it comes; the head leaves with its first bytes. */
export class BodySender {
  readonly #socket: Socket;
  readonly #head: WrittenHead;
  readonly #method: string;
  readonly #body: Readable;
  readonly #deps: BodySenderDeps;
  #bytes = 0;
  #open = true;

  constructor(socket: Socket, head: WrittenHead, method: string, body: Readable, deps: BodySenderDeps) {
    this.#socket = socket;
    this.#head = head;
    this.#method = method;
    this.#body = body;
    this.#deps = deps;
    body.on('data', (chunk: Buffer) => this.#send(chunk));
    body.on('end', () => this.#end());
    body.on('error', (error) => this.#fail(error));
    // Behind an error, which says more.
    body.on('close', () => queueMicrotask(() => this.#fail(abandoned())));
    // It may have failed before, and says so no more.
    if (body.destroyed) queueMicrotask(() => this.#fail(body.errored ?? abandoned()));
  }

  /** The homeserver has taken what was written. */
  drained(): void {
    if (!this.#open) return;
    this.#deps.moved(false);
    this.#body.resume();
  }

  /** Nothing more of it is sent, and nobody waits for it. */
  stop(): void {
    this.#open = false;
    this.#body.destroy();
  }

  #send(chunk: Buffer): void {
    const { length } = chunk;
    if (!this.#open || length === 0) return;
    const { declared, text } = this.#head;
    // Never a byte more than declared: it would be taken for the next request.
    if (declared !== undefined && this.#bytes + length > declared) return this.#fail(mismatch());
    const socket = this.#socket;
    socket.cork();
    const isFirst = this.#bytes === 0;
    if (declared === undefined) {
      const start = isFirst ? `${text}transfer-encoding: chunked\r\n` : '';
      socket.write(`${start}\r\n${length.toString(16)}\r\n`, 'latin1');
    } else if (isFirst) socket.write(`${text}content-length: ${declared}\r\n\r\n`, 'latin1');
    this.#bytes += length;
    const goOn = socket.write(chunk);
    socket.uncork();
    if (!goOn) this.#body.pause();
    this.#deps.moved(!goOn);
  }

  #end(): void {
    if (!this.#open) return;
    const { declared } = this.#head;
    if (declared !== undefined && declared !== this.#bytes) return this.#fail(mismatch());
    this.#open = false;
    if (this.#bytes === 0) sendBare(this.#socket, this.#head, this.#method);
    else if (declared === undefined) this.#socket.write('\r\n0\r\n\r\n', 'latin1');
    this.#deps.sent();
  }

  #fail(error: Error): void {
    if (!this.#open) return;
    this.#open = false;
    this.#deps.failed(error);
  }
}

function mismatch(): Error {
  return unfit('its body is not as long as its Content-Length says');
}

function abandoned(): Error {
  return unfit('its body was abandoned');
}

/** May there be bytes behind the head? */
export function hasContent(body: Buffer | Readable | null): boolean {
  return body !== null && !(Buffer.isBuffer(body) && body.length === 0);
}
