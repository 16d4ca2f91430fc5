import { Readable } from 'node:stream';
import type { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { Exchange } from './exchange.ts';
import { type BodyRules, collectBody, isCollectable, type StreamedBody, streamBody } from './request-body.ts';

/** The body of a request under way: none, a small one that is kept, or a stream, of which nothing is kept. */
export class OutgoingBody {
  readonly #exchange: Exchange;
  readonly #rules: BodyRules;
  readonly #system: System;
  #body: Buffer | Readable | null = null;
  #streamed: StreamedBody | undefined;

  constructor(exchange: Exchange, rules: BodyRules, system: System) {
    this.#exchange = exchange;
    this.#rules = rules;
    this.#system = system;
  }

  /** Begins to take it from the client; `done` is called once it can be sent on, or with why it never can. */
  open(done: (failure?: SidecarError) => void): void {
    const exchange = this.#exchange;
    if (exchange.expectsContinue) exchange.sendContinue();
    if (exchange.hasBody && isCollectable(exchange)) return this.#collect(done);
    if (exchange.hasBody) this.#stream();
    done();
  }

  /** What is sent on. */
  get content(): Buffer | Readable | null {
    return this.#body;
  }

  /** Bytes of it that have come. */
  get received(): number {
    // No function for either: one made for each request, and called, kept all of them until V8 looked at the whole heap.
    return this.#streamed?.received() ?? (this.#body as Buffer | null)?.length ?? 0;
  }

  /** Nothing of it is lost: none, all of it kept, or not begun. */
  get isUntouched(): boolean {
    return this.isKept || this.received === 0;
  }

  /** It can be sent as often as one likes. */
  get isKept(): boolean {
    return !(this.#body instanceof Readable);
  }

  /** For one more time, if it is untouched: of a stream nothing was read, and a new one begins at the beginning. */
  reopen(): void {
    if (!this.isKept) this.#stream();
  }

  /** It is not sent any more. */
  drop(): void {
    if (this.#body instanceof Readable) this.#body.destroy();
  }

  #collect(done: (failure?: SidecarError) => void): void {
    collectBody(this.#exchange, this.#rules, this.#system, (outcome) => {
      if (this.#exchange.closed) return;
      if (!Buffer.isBuffer(outcome)) return done(outcome);
      this.#body = outcome;
      done();
    });
  }

  #stream(): void {
    this.#streamed = streamBody(this.#exchange, this.#rules, this.#system);
    this.#body = this.#streamed.readable;
  }
}
