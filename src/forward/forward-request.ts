import type { Dispatcher } from 'undici';
import { SidecarError } from '../base/errors.ts';
import { decideRepeat } from './decide-repeat.ts';
import { Destination } from './destination.ts';
import type { Exchange } from './exchange.ts';
import {
  AWAY_STATUSES,
  clientGone,
  explainFailure,
  homeserverAway,
  isConnectionLoss,
  isUnreachable,
  saysAway,
  troubleOf,
} from './failure.ts';
import type { ForwardDeps, ForwardPlace, ForwardPlan } from './forward-plan.ts';
import type { HealthCheck } from './health-check.ts';
import type { Instance } from './instance.ts';
import { mayRepeat } from './may-repeat.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { declaresTooMuch } from './request-body.ts';
import { buildResponseFields, buildResponseHead, type ResponseHead } from './response-headers.ts';
import { createSlowReader, type SlowReader } from './slow-reader.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** Sends a request to its upstream and the answer back, streaming both ways. Calls back at most once on failure. */
export function forwardRequest(exchange: Exchange, plan: ForwardPlan, deps: ForwardDeps): void {
  if (exchange.hasBody && declaresTooMuch(exchange, plan.bodyLimit)) {
    return deps.onFailure(
      new SidecarError(`The body is larger than ${plan.bodyLimit} bytes.`, { code: 'body-too-large', blame: 'client' }),
    );
  }
  new Forwarding(exchange, plan, deps).begin();
}

/** One request under way: undici's handler on one side, the exchange on the other. */
class Forwarding implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #plan: ForwardPlan;
  readonly #deps: ForwardDeps;
  readonly #body: OutgoingBody;
  readonly #destination: Destination;
  #connection: UpstreamConnection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #left: number | undefined;
  #begun = false;
  #ended = false;
  #gone = false;
  #losses = 0;
  /** Where it has failed since it last waited. */
  #tried: Set<Instance> | undefined;
  #slowReader: SlowReader | undefined;
  /** Whose answer is being doubted. */
  #doubted: Dispatcher.DispatchController | undefined;

  constructor(exchange: Exchange, plan: ForwardPlan, deps: ForwardDeps) {
    this.#exchange = exchange;
    this.#plan = plan;
    this.#deps = deps;
    this.#destination = new Destination(plan, deps);
    const { bodyLimit, stalled } = plan;
    this.#body = new OutgoingBody(exchange, { limit: bodyLimit, stalled }, deps.system);
    exchange.onGone(() => this.#clientGone());
  }

  begin(): void {
    const open = (): void => this.#open();
    // There may have been a reload while it waited for its turn.
    const place = this.#destination.findMove();
    if (place !== undefined) return this.#destination.follow(place, open, homeserverAway());
    // Its body stays in the client's connection meanwhile.
    if (this.#destination.hold?.away === true && this.#destination.wait(open, homeserverAway())) return;
    open();
  }

  #open(): void {
    this.#body.open((failure) => {
      if (failure === undefined) this.#send();
      else this.#deps.onFailure(failure);
    });
  }

  #send(): void {
    const { headers, deadline, stalled } = this.#plan;
    const fresh = this.#losses > 0 || !this.#isRepeatable();
    const { connections, key } = this.#destination;
    const connection = connections.take({ fresh, tried: this.#tried, key });
    this.#connection = connection;
    this.#controller = undefined;
    try {
      connection.dispatch(
        {
          path: this.#exchange.target,
          method: this.#exchange.method as Dispatcher.HttpMethod,
          headers,
          body: this.#body.content,
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
    // undici does not pause where no body follows: the answer to a HEAD would end before it begins.
    const doubtful = AWAY_STATUSES.has(status) && this.#exchange.method !== 'HEAD' && this.#isRepeatable();
    const doubts = doubtful ? this.#findDoubts() : undefined;
    if (doubts === undefined) this.#respond(status, reason, head);
    else this.#doubt(controller, status, doubts, () => this.#respond(status, reason, head));
  }

  #respond(status: number, reason: string | undefined, head: ResponseHead): void {
    this.#left = this.#exchange.method === 'HEAD' ? undefined : head.contentLength;
    this.#exchange.respond(status, reason ?? '', head.headers);
    this.#begun = true;
  }

  /** Where there are several instances, one may be away and the homeserver as a whole is not. */
  #findDoubts(): HealthCheck | undefined {
    return this.#connection?.doubts ?? this.#destination.hold;
  }

  /** A gateway or balancer says this in place of a homeserver that is away; Synapse also of other servers. */
  #doubt(controller: Dispatcher.DispatchController, status: number, doubts: HealthCheck, respond: () => void): void {
    this.#doubted = controller;
    controller.pause();
    doubts.check((here) => {
      if (this.#doubted !== controller || this.#gone) return;
      this.#doubted = undefined;
      if (here) {
        respond();
        return controller.resume();
      }
      // As if nobody had been there.
      this.#controller = undefined;
      controller.abort(saysAway(this.#nameUpstream(), status));
    });
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
      this.#watchReader().await();
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
    if (this.#exchange.unsent > 0) this.#watchReader().watch();
  }

  #fail(error: unknown): void {
    const connection = this.#connection;
    this.#doubted = undefined;
    this.#body.drop();
    if (this.#gone || this.#ended) return connection?.discard();
    const explained = explainFailure(error, this.#nameUpstream(), this.#body.received);
    connection?.discard(troubleOf(error, explained, this.#controller !== undefined));
    if (this.#begun) {
      this.#exchange.abort();
      this.#deps.onCut(explained);
    } else if (!this.#tryAgain(error, explained)) {
      this.#deps.onFailure(explained);
    }
  }

  #nameUpstream(): string {
    return (this.#connection?.instance ?? this.#destination.connections.upstream).text;
  }

  /** Sends it again, now or when the homeserver is back, where that can do no harm and promises something. */
  #tryAgain(error: unknown, explained: SidecarError): boolean {
    const { hold, connections } = this.#destination;
    const unsent = isUnreachable(explained) && this.#controller === undefined;
    const lost = !unsent && isConnectionLoss(error);
    if (lost) this.#losses++;
    const place = this.#destination.findMove();
    this.#tried ??= new Set();
    if (this.#connection !== undefined) this.#tried.add(this.#connection.instance);
    const repeat = decideRepeat({
      ...{ unsent, lost, untouched: this.#body.isUntouched, repeatable: this.#isRepeatable(), losses: this.#losses },
      other: connections.hasOther(this.#tried),
      moved: place !== undefined,
    });
    switch (repeat.do) {
      case 'fail':
        return false;
      case 'again':
        this.#deps.onSecondChance(lost ? 'repeat' : 'instance');
        if (place === undefined) this.#again();
        else this.#follow(place, explained);
        return true;
      case 'ask':
        return this.#askFirst(explained);
      case 'away':
        hold?.lost(explained.message);
        this.#tried = undefined;
        return repeat.wait && this.#destination.wait(() => this.#again(), explained);
    }
  }

  #follow(place: ForwardPlace | 'nowhere', failure: SidecarError): void {
    this.#tried = undefined;
    this.#destination.follow(place, () => this.#again(), failure);
  }

  /** Only for a homeserver that is away everybody waits. One that is here has something against this request alone. */
  #askFirst(explained: SidecarError): boolean {
    const { hold } = this.#destination;
    if (hold === undefined) return false;
    this.#deps.onSecondChance('repeat');
    hold.check((here) => {
      if (this.#gone) return;
      const place = this.#destination.findMove();
      if (place !== undefined) return this.#follow(place, explained);
      this.#tried = undefined;
      if (here) return this.#again();
      hold.lost(explained.message);
      if (!this.#destination.wait(() => this.#again(), explained)) this.#deps.onFailure(explained);
    }, true);
    return true;
  }

  #again(): void {
    this.#body.reopen();
    this.#send();
  }

  /** The body is here still, and Matrix or HTTP says that a second time does no harm. */
  #isRepeatable(): boolean {
    return this.#body.isKept && mayRepeat(this.#exchange.method, this.#plan.retry);
  }

  #clientGone(): void {
    this.#gone = true;
    this.#destination.leave();
    // Synapse gives up its own work when its client goes; without this, abandoned long polls pile up there.
    this.#controller?.abort(clientGone());
  }

  #watchReader(): SlowReader {
    this.#slowReader ??= createSlowReader(
      { exchange: this.#exchange, client: this.#plan.client, stalled: this.#plan.stalled },
      {
        ...this.#deps,
        resume: () => {
          // What is resumed is the connection, which may serve another request by now.
          if (!this.#ended) this.#controller?.resume();
        },
      },
    );
    return this.#slowReader;
  }
}
