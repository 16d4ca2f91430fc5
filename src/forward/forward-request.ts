import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { SidecarError } from '../base/errors.ts';
import type { System, Timer } from '../base/system.ts';
import type { RetrySafety } from '../matrix/endpoint-table.ts';
import type { Exchange } from './exchange.ts';
import { explainFailure, isConnectionLoss } from './failure.ts';
import { collectBody, declaresTooMuch, isCollectable, streamBody } from './request-body.ts';
import { buildResponseFields, buildResponseHead } from './response-headers.ts';
import type { UpstreamConnection, UpstreamConnections } from './upstream-connections.ts';

/** How one request is to be forwarded. */
export interface ForwardPlan {
  readonly connections: UpstreamConnections;
  /** For the homeserver, from buildRequestHeaders. */
  readonly headers: string[];
  /** Bytes. */
  readonly bodyLimit: number;
  /** Milliseconds until the answer begins, counted from the last byte of the request. */
  readonly deadline: number;
  /** Milliseconds in which a transfer has to move on, in either direction. */
  readonly stalled: number;
  readonly retry: RetrySafety;
}

export interface ForwardDeps {
  readonly system: System;
  /** The answer has not begun: give one that says what happened. */
  onFailure(error: SidecarError): void;
  /** The answer had begun and cannot be completed; it was cut off. */
  onCut(error: SidecarError): void;
}

/** Sends a request to its upstream and the answer back, streaming both ways. Calls back at most once on failure. */
export function forwardRequest(exchange: Exchange, plan: ForwardPlan, deps: ForwardDeps): void {
  if (exchange.hasBody && declaresTooMuch(exchange, plan.bodyLimit)) {
    return deps.onFailure(
      new SidecarError(`The body is larger than ${plan.bodyLimit} bytes.`, { code: 'body-too-large', blame: 'client' }),
    );
  }
  if (exchange.expectsContinue) exchange.sendContinue();
  const rules = { limit: plan.bodyLimit, stalled: plan.stalled };
  if (!exchange.hasBody) {
    new Forwarding(exchange, plan, deps, null, none).start();
  } else if (isCollectable(exchange)) {
    collectBody(exchange, rules, deps.system, (outcome) => {
      if (exchange.closed) return;
      if (Buffer.isBuffer(outcome)) new Forwarding(exchange, plan, deps, outcome, () => outcome.length).start();
      else deps.onFailure(outcome);
    });
  } else {
    const body = streamBody(exchange, rules, deps.system);
    new Forwarding(exchange, plan, deps, body.readable, body.received).start();
  }
}

function none(): number {
  return 0;
}

/** One request under way: undici's handler on one side, the exchange on the other. */
class Forwarding implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #plan: ForwardPlan;
  readonly #deps: ForwardDeps;
  readonly #body: Buffer | Readable | null;
  readonly #received: () => number;
  #connection: UpstreamConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #left: number | undefined;
  #begun = false;
  #ended = false;
  #gone = false;
  #retried = false;
  #reader: Timer | undefined;
  #listening = false;

  constructor(
    exchange: Exchange,
    plan: ForwardPlan,
    deps: ForwardDeps,
    body: Buffer | Readable | null,
    received: () => number,
  ) {
    this.#exchange = exchange;
    this.#plan = plan;
    this.#deps = deps;
    this.#body = body;
    this.#received = received;
    exchange.onGone(() => this.#clientGone());
    exchange.onClosed(() => this.#reader?.cancel());
  }

  start(): void {
    const { connections, headers, deadline, stalled } = this.#plan;
    const connection = connections.take();
    this.#connection = connection;
    try {
      connection.dispatch(
        {
          path: this.#exchange.target,
          method: this.#exchange.method as Dispatcher.HttpMethod,
          headers,
          body: this.#body,
          headersTimeout: deadline,
          bodyTimeout: Math.max(deadline, stalled),
        },
        this,
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#gone) controller.abort(clientGone());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason?: string): void {
    if (this.#gone) return;
    const raw = controller.rawHeaders as readonly Buffer[];
    if (status < 200) return this.#exchange.sendInformation(status, buildResponseFields(raw));
    const head = buildResponseHead(raw);
    this.#left = this.#exchange.method === 'HEAD' ? undefined : head.contentLength;
    this.#exchange.respond(status, reason ?? '', head.headers);
    this.#begun = true;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#gone) return;
    if (this.#left !== undefined) {
      this.#left -= chunk.length;
      // The last bytes of a known length: headers, body and end leave in one write.
      if (this.#left === 0) return this.#end(chunk);
    }
    if (!this.#exchange.write(chunk)) {
      controller.pause();
      this.#awaitReader();
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#connection?.release();
    if (this.#ended || this.#gone) return;
    const trailers = controller.rawTrailers as readonly Buffer[] | null | undefined;
    this.#end(undefined, trailers === null || trailers === undefined ? undefined : buildResponseFields(trailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #end(chunk: Buffer | undefined, trailers?: readonly string[]): void {
    this.#ended = true;
    this.#exchange.end(chunk, trailers);
    if (this.#exchange.unsent > 0) this.#watchReader();
  }

  #fail(error: unknown): void {
    const connection = this.#connection;
    connection?.discard();
    if (this.#body instanceof Readable) this.#body.destroy();
    if (this.#gone || this.#ended) return;
    const { connections } = this.#plan;
    const explained = explainFailure(error, connections.upstream.text, this.#received());
    // The other idle ones may lead to where nobody is any more; a client's fault says nothing about them.
    if (explained.blame !== 'client') connections.dropIdle();
    if (connection?.reused === true && isConnectionLoss(error) && this.#isRepeatable()) {
      // The homeserver closed an idle connection just as this request went out on it. A fresh one, once.
      this.#retried = true;
      return this.start();
    }
    if (!this.#begun) return this.#deps.onFailure(explained);
    this.#exchange.abort();
    this.#deps.onCut(explained);
  }

  /** Nothing of it was answered, nothing of the body lost, and Matrix says that a second time does no harm. */
  #isRepeatable(): boolean {
    const { method } = this.#exchange;
    if (this.#begun || this.#retried || this.#body instanceof Readable) return false;
    return method === 'GET' || method === 'HEAD' || (method === 'PUT' && this.#plan.retry === 'transaction');
  }

  #clientGone(): void {
    this.#gone = true;
    // Synapse gives up its own work when its client goes; without this, abandoned long polls pile up there.
    this.#controller?.abort(clientGone());
  }

  /** The client reads slower than the homeserver writes: stop reading there until it has caught up. */
  #awaitReader(): void {
    this.#watchReader();
    if (this.#listening) return;
    this.#listening = true;
    this.#exchange.onDrain(() => {
      this.#reader?.cancel();
      // What is resumed is the connection, which may serve another request by now.
      if (!this.#ended) this.#controller?.resume();
    });
  }

  /** A client that takes nothing for as long as a transfer may stand still is cut off. */
  #watchReader(): void {
    this.#reader?.cancel();
    this.#reader = this.#deps.system.setTimer(this.#plan.stalled, () => this.#exchange.abort());
  }
}

function clientGone(): Error {
  return new SidecarError('The client went away.', { code: 'client-gone', blame: 'client' });
}
