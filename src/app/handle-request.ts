import { describeError, SidecarError } from '../base/errors.ts';
import type { Exchange } from '../forward/exchange.ts';
import { answerFor } from '../forward/failure.ts';
import type { ForwardPlace } from '../forward/forward-plan.ts';
import { forwardRequest } from '../forward/forward-request.ts';
import type { Hold } from '../forward/hold.ts';
import type { LastGoodDocument } from '../forward/last-good.ts';
import { buildRequestHeaders } from '../forward/request-headers.ts';
import type { UpstreamWay } from '../forward/upstream-way.ts';
import { listClaimedOrigins } from '../matrix/claimed-origins.ts';
import { DEFAULT_DEADLINE } from '../matrix/endpoint-table.ts';
import { judgeRepetition } from '../matrix/repeated-put.ts';
import type { Decision } from '../route/decision.ts';
import { locateOnHttps } from '../route/redirect-location.ts';
import { findPathEnd } from '../route/request-target.ts';
import { admitRequest, isServers, readOrigin } from './admit-request.ts';
import { type Attempt, observeEnd, type RequestDeps } from './attempt.ts';
import { type ChosenPlace, choosePlace } from './choose-place.ts';
import { logFailure } from './log-request.ts';
import { describeProbe } from './probe-answers.ts';
import { describeRequest } from './request-facts.ts';
import type { Runtime } from './runtime.ts';
import { findSurface } from './tally-requests.ts';

/** The life of a request on the public listeners, from its headers to its answer: facts, decision, action. */
export function handleRequest(exchange: Exchange, runtime: Runtime, deps: RequestDeps): void {
  const facts = describeRequest(exchange, runtime.config, deps);
  const { tally } = deps;
  const attempt: Attempt = {
    exchange,
    facts,
    runtime,
    deps,
    began: tally.now(),
    tally: tally.of('refused'),
    origin: undefined,
    server: undefined,
    pools: undefined,
    held: 0,
    saviour: undefined,
    error: undefined,
    mild: false,
  };
  observeEnd(attempt);
  try {
    act(attempt, decide(attempt, runtime));
  } catch (error) {
    // A defect of ours must cost one request, never the process.
    fail(attempt, defectOf(error));
  }
}

/** What a request that met a defect of ours is told. */
export function defectOf(error: unknown): SidecarError {
  return new SidecarError(`Unexpected: ${describeError(error)}`, { code: 'unexpected', blame: 'us', cause: error });
}

function decide({ exchange, facts }: Attempt, runtime: Runtime): Decision {
  const { listener } = exchange.facts;
  return runtime.route({
    listener: listener === 'admin' ? 'http' : listener,
    method: exchange.method,
    target: exchange.target,
    authority: exchange.authority,
    serverName: exchange.facts.serverName,
    clientAddress: facts.client.address,
    origins: () => listClaimedOrigins(exchange.headers),
  });
}

function act(attempt: Attempt, decision: Decision): void {
  const { exchange, facts, runtime, deps } = attempt;
  const { answers } = deps;
  attempt.tally = deps.tally.of(findSurface(decision));
  switch (decision.do) {
    case 'publish':
      return answers.wellKnown(exchange, decision.document);
    case 'preflight':
      return answers.preflight(exchange, decision.variant);
    case 'refuse':
      deps.tally.refused(decision.because);
      return answers.error(exchange, decision);
    case 'redirect':
      return answers.redirect(exchange, locateOnHttps(exchange.authority, exchange.target, runtime.redirect));
    case 'challenge':
      return void answerChallenge(attempt, decision.token);
    case 'identify':
      return void deps.tester.answerKeys(exchange);
    case 'test':
      return void deps.tester.answer(exchange, { kind: 'stranger', address: facts.client.address });
    case 'probe':
      return void answerProbe(attempt, decision.token);
    case 'forward':
      return forward(attempt, decision);
  }
}

type Forward = Decision & { readonly do: 'forward' };

/** Milliseconds after which a client that had too much under way may come again. */
const RETRY_AFTER = 2_000;
/** Milliseconds until what the homeserver said last is given in its place; peers give up on keys after ten seconds. */
const SLOW = 5_000;

function forward(attempt: Attempt, decision: Forward): void {
  const { exchange, facts, runtime, deps } = attempt;
  const { upstream, endpoint, server } = decision;
  const { limits } = runtime.config;
  attempt.server = server;
  const patience = Math.min(endpoint?.patience ?? 0, limits.hold);
  const place = decision.pools === undefined ? undefined : choosePlace(exchange, facts, decision, runtime);
  attempt.pools = place?.pools;
  const connections = place === undefined ? runtime.connectionsTo(upstream) : place.way.connections;
  const hold = patience === 0 ? undefined : place === undefined ? runtime.holdOf(upstream) : place.way.hold;
  attempt.mild = hold !== undefined && endpoint?.mildFailure === true;
  const document = endpoint?.lastGood === true ? findLastGood(exchange, server, runtime) : undefined;
  if (document !== undefined && hold?.away === true) return giveLastGood(attempt, document, server);
  const surface = endpoint?.surface;
  if (surface === 'federation') attempt.origin = readOrigin(exchange.headers);
  const { origin } = attempt;
  admitRequest({ exchange, surface, origin, clientAddress: facts.client.address }, runtime.admissions, {
    system: deps.system,
    go() {
      const sending: Sending = { arrived: attempt.began, patience, connections, hold, document };
      if (place === undefined) send(attempt, decision, sending, undefined);
      else sendByKey(attempt, decision, sending, place);
    },
    refuse(party, limit) {
      deps.tally.limited(party, limit);
      deps.answers.limited(exchange, RETRY_AFTER);
    },
  });
}

interface Sending {
  readonly arrived: number;
  readonly patience: number;
  readonly connections: UpstreamWay;
  readonly hold: Hold | undefined;
  /** What the homeserver said last. */
  readonly document: LastGoodDocument | undefined;
}

function giveLastGood(attempt: Attempt, document: LastGoodDocument, server: string): void {
  const { exchange, deps } = attempt;
  attempt.saviour = 'last-good';
  deps.metrics.counter('lastGoodAnswers', { server }).add();
  deps.answers.lastGood(exchange, document);
}

/** Whose token it is may have to be asked. */
function sendByKey(attempt: Attempt, decision: Forward, sending: Sending, place: ChosenPlace): void {
  const key = place.findKey();
  if (!(key instanceof Promise)) return send(attempt, decision, sending, key);
  void key.then((found) => {
    if (attempt.exchange.closed) return;
    try {
      send(attempt, decision, sending, found);
    } catch (error) {
      fail(attempt, defectOf(error));
    }
  });
}

function send(
  attempt: Attempt,
  { upstream, endpoint, server, target }: Forward,
  sending: Sending,
  key: string | undefined,
): void {
  const { exchange, facts, runtime, deps } = attempt;
  const { limits } = runtime.config;
  const { answers } = deps;
  const { document } = sending;
  const headers = buildRequestHeaders(exchange, facts.forwarded);
  if (!headers.ok)
    return answers.error(exchange, { status: 400, errcode: 'M_UNKNOWN', message: `Bad request: ${headers.why}.` });
  const deadline = endpoint?.deadline ?? DEFAULT_DEADLINE;
  forwardRequest(
    exchange,
    {
      connections: sending.connections,
      target,
      client: facts.client.address,
      headers: headers.value,
      // A website has no limits of Matrix's; it gets those of uploads.
      bodyLimit: endpoint?.bodyLimit === 'body' ? limits.body : limits.upload,
      deadline: document === undefined ? deadline : Math.min(deadline, SLOW),
      stalled: limits.stalled,
      retry: judgeRepetition(
        exchange.method,
        exchange.target,
        findPathEnd(exchange.target),
        endpoint?.retry ?? 'never',
      ),
      hold: sending.hold,
      key,
      moved: (from) => findMove(attempt, sending, from),
      forServer: isServers(endpoint?.surface),
      arrived: sending.arrived,
      patience: document === undefined ? sending.patience : 0,
    },
    {
      system: deps.system,
      unread: deps.unread,
      onFailure(error) {
        if (document === undefined || error.blame !== 'upstream') return fail(attempt, error);
        attempt.error = error;
        giveLastGood(attempt, document, server);
      },
      // A decision to forward would have been a place to go to.
      onNowhere: () => act(attempt, decide(attempt, deps.runtime())),
      onWaited(ms) {
        attempt.held += ms;
      },
      onSecondChance(by) {
        attempt.saviour = by;
        if (by === 'repeat') deps.metrics.counter('requestsRepeated', { homeserver: upstream.text }).add();
      },
      onCut: (error) => {
        attempt.error = error;
      },
    },
  );
}

/** Where a reload since the request came says that it is to go, if not where it was to go until now. */
function findMove(attempt: Attempt, { hold }: Sending, from: UpstreamWay): ForwardPlace | 'nowhere' | undefined {
  const now = attempt.deps.runtime();
  if (now === attempt.runtime) return undefined;
  const decision = decide(attempt, now);
  if (decision.do !== 'forward') return 'nowhere';
  const place = decision.pools === undefined ? undefined : choosePlace(attempt.exchange, attempt.facts, decision, now);
  const connections = place === undefined ? now.connectionsTo(decision.upstream) : place.way.connections;
  if (connections === from) return undefined;
  const waits = place === undefined ? now.holdOf(decision.upstream) : place.way.hold;
  const { target } = decision;
  return { connections, target, hold: hold === undefined ? undefined : waits, key: place?.findKeyNow() };
}

function findLastGood(exchange: Exchange, server: string, runtime: Runtime): LastGoodDocument | undefined {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return undefined;
  return runtime.lastGoodOf(server)?.find(exchange.target.slice(0, findPathEnd(exchange.target)));
}

async function answerChallenge(attempt: Attempt, token: string): Promise<void> {
  const { exchange, deps } = attempt;
  try {
    const answer = await deps.challengeAnswer(token);
    if (answer !== undefined) deps.answers.text(exchange, 200, answer);
    else deps.answers.error(exchange, { status: 404, errcode: 'M_NOT_FOUND', message: 'No such challenge.' });
  } catch (error) {
    fail(attempt, defectOf(error));
  }
}

async function answerProbe(attempt: Attempt, token: string): Promise<void> {
  const { exchange, deps } = attempt;
  try {
    const proof = await deps.probeProof(token);
    if (proof !== undefined) deps.answers.json(exchange, 200, describeProbe(exchange, proof));
    else deps.answers.error(exchange, { status: 404, errcode: 'M_UNRECOGNIZED', message: 'Unrecognized request' });
  } catch (error) {
    fail(attempt, defectOf(error));
  }
}

function fail(attempt: Attempt, error: SidecarError): void {
  const { exchange, facts, runtime, deps } = attempt;
  attempt.error = error;
  logFailure(error, facts, runtime.config.log.requests, deps.log);
  if (exchange.answered) exchange.abort();
  else deps.answers.error(exchange, answerFor(error, attempt.mild));
}
