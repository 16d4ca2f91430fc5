import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { System } from '../../base/system.ts';
import type { AnswerHandler, UpstreamRequest } from '../upstream-connection.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { Deadline } from './deadline.ts';
import type { AnswerHead } from './parse-head.ts';
import type { Framing } from './read-framing.ts';
import { BodySender, hasContent, sendBare, sendWhole } from './send-body.ts';
import type { Turns } from './turns.ts';
import { WireError } from './wire-error.ts';
import { type WrittenHead, writeHead } from './write-head.ts';

/** Milliseconds. Below Synapse's own 60 s (Twisted's default): a connection is seldom closed just as a request goes out. */
const IDLE = 30_000;
/** So much earlier than a homeserver says that it closes an idle connection. Milliseconds. */
const EARLIER = 2_000;

export interface WireDeps {
  readonly system: System;
  readonly turns: Turns;
  /** Opens a connection; calls back once. */
  connect(done: (error: Error | null, socket: Socket | null) => void): void;
  /** It has been closed while no request was on it, and is of no use any more. */
  lost(): void;
}

/**
 * `waiting`: a request that has no connection yet, or waits for the turn in which it may use the one that was idle. `sent`: no
 * answer has begun. `dead`: for good.
 */
type State = 'idle' | 'waiting' | 'sent' | 'answering' | 'dead';

/** One HTTP/1.1 connection to a homeserver, opened with the first request on it; one request at a time. */
export class Wire implements AnswerSink {
  readonly #deps: WireDeps;
  readonly #deadline: Deadline;
  readonly #reader: AnswerReader = new AnswerReader(this);
  #state: State = 'idle';
  #socket: Socket | undefined;
  #isUsed = false;
  /** Since a request last waited for its turn. */
  #wasPaused = false;
  /** Why it is closed, or about to be. */
  #cause: Error | undefined;
  #request: UpstreamRequest | undefined;
  #handler: AnswerHandler | undefined;
  /** Until it is sent. */
  #head: WrittenHead | undefined;
  /** The connection ends with the request that is on it. */
  #closes = false;
  #sender: BodySender | undefined;
  #framing: Framing | undefined;

  constructor(deps: WireDeps) {
    this.#deps = deps;
    this.#deadline = new Deadline(deps.system, () => this.#late());
  }

  /** May the next request have it? */
  get isReusable(): boolean {
    return this.#state === 'idle' && this.#socket !== undefined;
  }

  /** Has its connection carried a request before, to the end of its answer? */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Sends a request, on a connection that is idle or is opened for it. */
  dispatch(request: UpstreamRequest, handler: AnswerHandler): void {
    this.#request = request;
    this.#handler = handler;
    if (this.#state !== 'idle') return this.#fail(new WireError('ERR_UPSTREAM_CLOSED', 'the connection is closed'));
    this.#state = 'waiting';
    try {
      this.#head = writeHead(request, hasContent(request.body));
    } catch (error) {
      return this.#fail(error as Error);
    }
    if (this.#socket === undefined) this.#connect();
    else this.#deps.turns.await(this);
  }

  /** The turn has come. What was idle may have been closed meanwhile: nothing was sent on it, so another does as well. */
  goOn(): void {
    if (this.#state !== 'waiting') return;
    if (this.#socket === undefined) return this.#connect();
    if (!this.#wasPaused) return this.#send(this.#socket);
    // A socket that was not read is looked at in the turn after it is resumed.
    this.#wasPaused = false;
    this.#deps.turns.await(this);
  }

  pause(): void {
    if (this.#state !== 'answering') return;
    this.#wasPaused = true;
    this.#reader.pause();
    this.#socket?.pause();
    this.#deadline.clear();
  }

  resume(): void {
    if (this.#state !== 'answering' || !this.#reader.isPaused) return;
    this.#deadline.set(this.#request!.moveWithin);
    try {
      this.#reader.resume();
    } catch (error) {
      return this.#break(error as Error);
    }
    // Also where that was the end of the answer: the next one is read from it.
    if (!this.#reader.isPaused) this.#socket?.resume();
  }

  abort(error: Error): void {
    if (this.#handler !== undefined) this.#fail(error);
  }

  /** Closes it at once, whatever is on it. Idempotent. */
  destroy(): void {
    this.#state = 'dead';
    this.#deadline.close();
    this.#reader.stop();
    this.#sender?.stop();
    this.#sender = undefined;
    this.#handler = undefined;
    this.#socket?.destroy();
  }

  /** Is an answer awaited? */
  get #isAsked(): boolean {
    return this.#state === 'sent' || this.#state === 'answering';
  }

  #connect(): void {
    this.#deps.connect((error, socket) => {
      if (this.#state !== 'waiting') return void socket?.destroy();
      if (socket === null) return this.#fail(error ?? new WireError('ERR_UPSTREAM_CLOSED', 'there is no connection'));
      this.#attach(socket);
      this.#send(socket);
    });
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    this.#isUsed = false;
    this.#cause = undefined;
    socket.on('data', (chunk: Buffer) => {
      if (this.#isAsked) this.#read(chunk);
      else this.#drop(socket);
    });
    socket.on('end', () => {
      if (this.#isAsked) this.#read(undefined);
      else this.#drop(socket);
    });
    socket.on('error', (error) => {
      this.#cause ??= error;
      if (!this.#isAsked) this.#drop(socket);
    });
    socket.on('close', () => {
      // The end of an answer that is paused has been seen, and is told when it is read on.
      if (!this.#reader.isPaused || !this.#reader.isFinished) this.#ended(socket);
    });
    socket.on('drain', () => this.#sender?.drained());
  }

  #send(socket: Socket): void {
    const [request, handler, head] = [this.#request!, this.#handler!, this.#head!];
    const { body } = request;
    // Its text has a kilobyte, and thousands of long polls wait.
    this.#head = undefined;
    this.#closes = head.closes;
    this.#state = 'sent';
    handler.begun();
    if (this.#handler !== handler) return;
    this.#reader.begin(request.method);
    try {
      if (body instanceof Readable) return this.#sendStream(socket, head, body);
      if (body === null || body.length === 0) sendBare(socket, head, request.method);
      else sendWhole(socket, head, body);
    } catch (error) {
      return this.#fail(error as Error);
    }
    this.#deadline.set(request.answerWithin);
  }

  #sendStream(socket: Socket, head: WrittenHead, body: Readable): void {
    const { method, answerWithin } = this.#request!;
    // Until it has written something, it is the client that everybody waits for.
    this.#deadline.clear();
    const within = (full: boolean): void => {
      if (this.#state !== 'sent') return;
      if (full) this.#deadline.set(answerWithin);
      else this.#deadline.clear();
    };
    this.#sender = new BodySender(socket, head, method, body, {
      moved: within,
      sent: () => {
        this.#sender = undefined;
        within(true);
      },
      failed: (error) => this.#fail(error),
    });
  }

  /** Something has come, or (undefined) nothing more will. */
  #read(chunk: Buffer | undefined): void {
    try {
      if (chunk === undefined) this.#reader.finish();
      else this.#reader.push(chunk);
      if (this.#state === 'answering' && !this.#reader.isPaused) this.#deadline.set(this.#request!.moveWithin);
    } catch (error) {
      this.#break(error as Error);
    }
  }

  interim(head: AnswerHead): void {
    if (this.#sender === undefined) this.#deadline.set(this.#request!.answerWithin);
    // Asked for by nobody: whoever sent a body was told to go on by us.
    if (head.status !== 100) this.#handler!.interim(head);
  }

  head(head: AnswerHead, framing: Framing): void {
    this.#state = 'answering';
    this.#framing = framing;
    this.#handler!.head(head);
  }

  data(chunk: Buffer): void {
    this.#handler!.data(chunk);
  }

  end(trailers: readonly string[], surplus: boolean): void {
    const handler = this.#handler!;
    const { keepAlive, kept } = this.#framing!;
    const idle = kept === undefined ? IDLE : Math.min(IDLE, kept - EARLIER);
    const isClosed = this.#reader.isFinished || this.#socket === undefined;
    const isOver = !keepAlive || surplus || isClosed || this.#sender !== undefined || this.#closes || idle <= 0;
    this.#handler = undefined;
    this.#request = undefined;
    this.#isUsed = true;
    if (isOver) {
      this.#state = 'dead';
      this.#deadline.close();
    } else {
      this.#state = 'idle';
      this.#deadline.set(idle);
    }
    try {
      handler.end(trailers);
    } catch (error) {
      handler.failed(error as Error);
    }
    if (isOver) this.destroy();
  }

  /** The deadline has passed. */
  #late(): void {
    if (this.#state === 'sent') this.#break(new WireError('ERR_UPSTREAM_ANSWER_LATE', 'no answer has begun in time'));
    else if (this.#state === 'answering')
      this.#break(new WireError('ERR_UPSTREAM_ANSWER_STALLED', 'the answer has not moved on in time'));
    else if (this.#state === 'idle' && this.#socket !== undefined) this.#drop(this.#socket);
  }

  /** A connection that was idle is of no use any more. A request that waits for it gets another. */
  #drop(socket: Socket): void {
    socket.destroy();
    this.#ended(socket);
  }

  /** The answer goes no further. Its request fails when the connection is closed: what came has left by then. */
  #break(error: Error): void {
    this.#cause ??= error;
    this.#reader.stop();
    if (this.#socket === undefined || this.#socket.closed) this.#fail(this.#cause);
    else this.#socket.destroy();
  }

  #ended(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (this.#isAsked) this.#fail(this.#cause ?? new WireError('ERR_UPSTREAM_CLOSED', 'it closed the connection'));
    else if (this.#state === 'idle') {
      this.destroy();
      this.#deps.lost();
    }
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#state = 'dead';
    // Before all else: it gives the connection back, and may send the request again on another.
    try {
      handler?.failed(error);
    } finally {
      this.destroy();
    }
  }
}
