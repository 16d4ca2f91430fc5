import { BlockGatherer, MOST_HEAD, tooLong } from './gather-block.ts';
import { type AnswerHead, parseAnswerHead, parseFields } from './parse-head.ts';
import { ChunkSizeReader } from './read-chunk-size.ts';
import { type Framing, readFraming } from './read-framing.ts';
import { badAnswer, WireError } from './wire-error.ts';

/** Interim answers (1xx) to one request: enough for every purpose, and an end. */
const MOST_INTERIM = 100;
/** Bytes in which nearly every head ends. */
const FIRST_LOOK = 2 * 1024;
const START = 'HTTP/1.';

const [CR, LF] = [0x0d, 0x0a];
const LINE_END = Buffer.from('\r\n');

/** Receives one answer: any number of interim ones, a head, any number of data, an end. */
export interface AnswerSink {
  interim(head: AnswerHead): void;
  head(head: AnswerHead, framing: Framing): void;
  data(chunk: Buffer): void;
  /** `trailers`: name, value, name, value. `surplus`: bytes came behind it, which nobody asked for. */
  end(trailers: readonly string[], surplus: boolean): void;
}

type State = 'idle' | 'head' | 'length' | 'size' | 'chunk' | 'chunk end' | 'trailers' | 'close' | 'end';

const NONE: readonly string[] = [];

/**
 * Reads answers of HTTP/1.1 (RFC 9112) from bytes in any pieces, one for each `begin`. Knows nothing of sockets. `push`, `resume`
 * and `finish` throw a WireError at what may not be passed on, and what the sink throws; nothing comes after either.
 */
export class AnswerReader {
  readonly #sink: AnswerSink;
  readonly #block = new BlockGatherer();
  readonly #size = new ChunkSizeReader();
  #state: State = 'idle';
  #method = '';
  #interims = 0;
  /** Bytes of the body, or of the chunk, that are to come. */
  #left = 0;
  #trailers = NONE;
  #isPaused = false;
  /** What came and was not looked at, while paused. */
  #rest: Buffer | undefined;
  #finished = false;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** An answer may come, to a request with this method. */
  begin(method: string): void {
    this.#method = method;
    this.#state = 'head';
    this.#interims = 0;
    this.#trailers = NONE;
    this.#finished = false;
  }

  /** Nothing more is given to the sink. */
  stop(): void {
    this.#state = 'idle';
    this.#rest = undefined;
    this.#isPaused = false;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The connection has ended, maybe before the sink was told of all that had come. */
  get isFinished(): boolean {
    return this.#finished;
  }

  /** Gives the sink nothing from now on, not even an end that is known. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.push(rest);
    if (this.#finished && !this.#isPaused) this.finish();
  }

  /** The connection has ended in good order: of a body without a length, that is the end. Of anything else it is none. */
  finish(): void {
    this.#finished = true;
    if (this.#isPaused || this.#state === 'idle') return;
    if (this.#state !== 'close') throw new WireError('ERR_UPSTREAM_CLOSED', 'it closed the connection');
    this.#state = 'idle';
    this.#sink.end(NONE, false);
  }

  push(chunk: Buffer): void {
    if (this.#rest !== undefined) {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    let at = 0;
    // An answer ends without a further byte, so it is not enough to ask whether there are any.
    while (at < chunk.length || this.#state === 'end') {
      if (this.#isPaused) {
        this.#rest = at === 0 ? chunk : chunk.subarray(at);
        return;
      }
      at = this.#step(chunk, at);
      if (at === -1) return;
    }
  }

  /** Gives where the next step begins; -1 when there is none for this chunk. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(chunk, at);
      case 'length':
        return this.#readBody(chunk, at, 'end');
      case 'chunk':
        return this.#readBody(chunk, at, 'chunk end');
      case 'close':
        this.#sink.data(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
      case 'size':
        return this.#readSize(chunk, at);
      case 'chunk end':
        return this.#readChunkEnd(chunk, at);
      case 'trailers':
        return this.#readTrailers(chunk, at);
      case 'end':
        this.#state = 'idle';
        this.#sink.end(this.#trailers, at < chunk.length);
        return -1;
      case 'idle':
        return -1;
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#block.isEmpty) {
      // Nearly always it is here as a whole.
      let text = chunk.toString('latin1', at, Math.min(chunk.length, at + FIRST_LOOK));
      let end = text.indexOf('\r\n\r\n');
      if (end === -1 && chunk.length - at > FIRST_LOOK) {
        text = chunk.toString('latin1', at, Math.min(chunk.length, at + MOST_HEAD + 4));
        end = text.indexOf('\r\n\r\n');
        if (end > MOST_HEAD) throw tooLong();
      }
      if (end !== -1) {
        this.#takeHead(text.slice(0, end));
        return at + end + 4;
      }
    }
    const next = this.#block.add(chunk, at);
    if (next === -1) {
      // What speaks something else may never come to an empty line.
      const start = this.#block.peek(START.length);
      if (!START.startsWith(start)) throw badAnswer('it does not begin with HTTP/1');
    } else this.#takeHead(this.#block.take());
    return next;
  }

  #takeHead(text: string): void {
    const head = parseAnswerHead(text);
    if (head.status < 200) {
      if (head.status === 101) throw badAnswer('it changes to a protocol that nobody asked for');
      if (++this.#interims > MOST_INTERIM) throw badAnswer('there is no end to its interim answers');
      return this.#sink.interim(head);
    }
    const framing = readFraming(this.#method, head);
    this.#left = framing.length;
    this.#state = framing.body === 'none' ? 'end' : framing.body === 'chunked' ? 'size' : framing.body;
    if (framing.body === 'chunked') this.#size.begin();
    this.#sink.head(head, framing);
  }

  #readBody(chunk: Buffer, at: number, then: 'end' | 'chunk end'): number {
    const stop = Math.min(chunk.length, at + this.#left);
    this.#left -= stop - at;
    if (this.#left === 0) this.#state = then;
    this.#sink.data(at === 0 && stop === chunk.length ? chunk : chunk.subarray(at, stop));
    return stop;
  }

  #readSize(chunk: Buffer, at: number): number {
    const size = this.#size;
    const next = size.push(chunk, at);
    if (!size.done) return next;
    this.#left = size.size;
    if (size.size > 0) this.#state = 'chunk';
    else this.#state = 'trailers';
    return next;
  }

  /** `left` counts down: 0 before the CR, -1 before the LF. */
  #readChunkEnd(chunk: Buffer, at: number): number {
    if (chunk[at] !== (this.#left === 0 ? CR : LF)) throw badAnswer('a chunk is longer than it says');
    if (this.#left === 0) this.#left = -1;
    else {
      this.#state = 'size';
      this.#size.begin();
    }
    return at + 1;
  }

  #readTrailers(chunk: Buffer, at: number): number {
    if (this.#block.isEmpty) {
      if (chunk[at] === CR && chunk[at + 1] === LF) {
        this.#state = 'end';
        return at + 2;
      }
      // So that they end as a head does, also where there are none and these two come apart.
      this.#block.add(LINE_END, 0);
    }
    const next = this.#block.add(chunk, at);
    if (next === -1) return -1;
    const text = this.#block.take();
    if (text !== '') this.#trailers = parseFields(text, 2);
    this.#state = 'end';
    return next;
  }
}
