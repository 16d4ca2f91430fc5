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
import { buildResponseFields, buildResponseHead } from './response-headers.ts';
import { createSlowReader, type SlowReader } from './slow-reader.ts';
import type { AnswerHead } from './upstream/parse-head.ts';
import type { AnswerHandler, UpstreamConnection } from './upstream-connection.ts';

/** Sends a request to its upstream and the answer back, streaming both ways. Calls back at most once on failure. */
export function forwardRequest(exchange: Exchange, plan: ForwardPlan, deps: ForwardDeps): void {
  if (exchange.hasBody && declaresTooMuch(exchange, plan.bodyLimit)) {
    return deps.onFailure(
      new SidecarError(`The body is larger than ${plan.bodyLimit} bytes.`, { code: 'body-too-large', blame: 'client' }),
    );
  }
  new Forwarding(exchange, plan, deps).begin();
}

/** One request under way: the connection to the homeserver on one side, the exchange on the other. */
class Forwarding implements AnswerHandler {
  readonly #exchange: Exchange;
  readonly #plan: ForwardPlan;
  readonly #deps: ForwardDeps;
  readonly #body: OutgoingBody;
  readonly #destination: Destination;
  #connection: UpstreamConnection | undefined;
  /** It had a connection: something of it may have been sent. */
  #sent = false;
  #left: number | undefined;
  #begun = false;
  #ended = false;
  #gone = false;
  #losses = 0;
  /** Where it has failed since it last waited. */
  #tried: Set<Instance> | undefined;
  #slowReader: SlowReader | undefined;
  /** Whose answer is being doubted. */
  #doubted: UpstreamConnection | undefined;

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
    const { connections, key, target = this.#exchange.target } = this.#destination;
    const connection = connections.take({ fresh, tried: this.#tried, key });
    this.#connection = connection;
    this.#sent = false;
    const { method } = this.#exchange;
    const moveWithin = Math.max(deadline, stalled);
    connection.dispatch(
      { method, target, headers, body: this.#body.content, answerWithin: deadline, moveWithin },
      this,
    );
  }

  begun(): void {
    this.#sent = true;
  }

  interim({ status, fields }: AnswerHead): void {
    if (!this.#gone) this.#exchange.sendInformation(status, buildResponseFields(fields));
  }

  head(head: AnswerHead): void {
    if (this.#gone) return;
    const doubtful = AWAY_STATUSES.has(head.status) && this.#isRepeatable();
    const doubts = doubtful ? this.#findDoubts() : undefined;
    if (doubts === undefined) this.#respond(head);
    else this.#doubt(this.#connection!, head, doubts);
  }

  #respond({ status, reason, fields }: AnswerHead): void {
    const { headers, contentLength } = buildResponseHead(fields, status);
    this.#left = this.#exchange.method === 'HEAD' ? undefined : contentLength;
    this.#exchange.respond(status, reason, headers);
    this.#begun = true;
  }

  /** Where there are several instances, one may be away and the homeserver as a whole is not. */
  #findDoubts(): HealthCheck | undefined {
    return this.#connection?.doubts ?? this.#destination.hold;
  }

  /** A gateway or balancer says this in place of a homeserver that is away; Synapse also of other servers. */
  #doubt(connection: UpstreamConnection, head: AnswerHead, doubts: HealthCheck): void {
    this.#doubted = connection;
    connection.pause();
    doubts.check((here) => {
      if (this.#doubted !== connection || this.#gone) return;
      this.#doubted = undefined;
      if (here) {
        this.#respond(head);
        return connection.resume();
      }
      // As if nobody had been there.
      this.#sent = false;
      connection.abort(saysAway(this.#nameUpstream(), head.status));
    });
  }

  data(chunk: Buffer): void {
    if (this.#gone) return;
    if (this.#left !== undefined) {
      this.#left -= chunk.length;
      // The last bytes of a known length: headers, body and end leave in one write.
      if (this.#left === 0) return this.#end(chunk);
    }
    if (!this.#exchange.write(chunk)) {
      this.#connection?.pause();
      this.#watchReader().await();
    }
  }

  end(trailers: readonly string[]): void {
    this.#connection?.release();
    if (!this.#ended && !this.#gone) this.#end(undefined, buildResponseFields(trailers));
  }

  #end(chunk: Buffer | undefined, trailers?: readonly string[]): void {
    this.#ended = true;
    this.#exchange.end(chunk, trailers);
    if (this.#exchange.unsent > 0) this.#watchReader().watch();
  }

  failed(error: Error): void {
    const connection = this.#connection;
    this.#doubted = undefined;
    this.#body.drop();
    if (this.#gone || this.#ended) return connection?.discard();
    const explained = explainFailure(error, this.#nameUpstream(), this.#body.received);
    connection?.discard(troubleOf(error, explained, this.#sent));
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
  #tryAgain(error: Error, explained: SidecarError): boolean {
    const { hold, connections } = this.#destination;
    // Also one that was reset while it was opened.
    const unsent = !this.#sent && (isUnreachable(explained) || isConnectionLoss(error));
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
    this.#connection?.abort(clientGone());
  }

  #watchReader(): SlowReader {
    this.#slowReader ??= createSlowReader(
      { exchange: this.#exchange, client: this.#plan.client, stalled: this.#plan.stalled },
      {
        ...this.#deps,
        resume: () => this.#connection?.resume(),
      },
    );
    return this.#slowReader;
  }
}
