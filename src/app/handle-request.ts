import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Exchange } from '../forward/exchange.ts';
import { answerFor } from '../forward/failure.ts';
import { forwardRequest } from '../forward/forward-request.ts';
import { buildRequestHeaders } from '../forward/request-headers.ts';
import { DEFAULT_DEADLINE } from '../matrix/endpoint-table.ts';
import { isLogged, pathForLog } from '../observe/request-line.ts';
import { findPathEnd } from '../route/request-target.ts';
import { answerMatrixError, answerPreflight, answerRedirect, answerText, answerWellKnown } from './own-answers.ts';
import { describeRequest, type RequestFacts } from './request-facts.ts';
import type { Runtime } from './runtime.ts';

export interface RequestDeps {
  readonly system: System;
  readonly log: Log;
  /** A fresh request id. */
  nextRequestId(): string;
  /** The answer to an ACME http-01 challenge; undefined when there is none under way for this token. */
  challengeAnswer(token: string): string | undefined;
}

/** The life of a request on the public listeners, from its headers to its answer: facts, decision, action. */
export function handleRequest(exchange: Exchange, runtime: Runtime, deps: RequestDeps): void {
  const facts = describeRequest(exchange, runtime.config, deps);
  const failed: { error: SidecarError | undefined } = { error: undefined };
  if (runtime.config.log.requests !== 'off') logWhenClosed(exchange, facts, failed, runtime, deps);
  try {
    decideAndAct(exchange, facts, failed, runtime, deps);
  } catch (error) {
    // A defect of ours must cost one request, never the process.
    const defect = new SidecarError(`Unexpected: ${describeError(error)}`, {
      code: 'unexpected',
      blame: 'us',
      cause: error,
    });
    deps.log.error({ request_id: facts.requestId, err: error }, 'A request failed because of a defect in the sidecar.');
    fail(exchange, facts, failed, defect, deps);
  }
}

function decideAndAct(
  exchange: Exchange,
  facts: RequestFacts,
  failed: { error: SidecarError | undefined },
  runtime: Runtime,
  deps: RequestDeps,
): void {
  const { config } = runtime;
  const { listener } = exchange.facts;
  const decision = runtime.route({
    listener: listener === 'admin' ? 'http' : listener,
    method: exchange.method,
    target: exchange.target,
    authority: exchange.authority,
    serverName: exchange.facts.serverName,
    clientAddress: facts.client.address,
  });
  switch (decision.do) {
    case 'publish':
      return answerWellKnown(exchange, decision.document);
    case 'preflight':
      return answerPreflight(exchange, decision.variant);
    case 'refuse':
      return answerMatrixError(exchange, decision.status, decision.errcode, decision.message);
    case 'redirect':
      return answerToHttps(exchange, runtime);
    case 'challenge': {
      const answer = deps.challengeAnswer(decision.token);
      return answer === undefined
        ? answerMatrixError(exchange, 404, 'M_NOT_FOUND', 'No such challenge.')
        : answerText(exchange, 200, answer);
    }
    case 'forward': {
      const headers = buildRequestHeaders(exchange, facts.forwarded);
      if (!headers.ok) return answerMatrixError(exchange, 400, 'M_UNKNOWN', `Bad request: ${headers.why}.`);
      const { endpoint } = decision;
      return forwardRequest(
        exchange,
        {
          connections: runtime.connectionsTo(decision.upstream),
          headers: headers.value,
          // A website has no limits of Matrix's; it gets those of uploads.
          bodyLimit: endpoint?.bodyLimit === 'body' ? config.limits.body : config.limits.upload,
          deadline: endpoint?.deadline ?? DEFAULT_DEADLINE,
          stalled: config.limits.stalled,
          retry: endpoint?.retry ?? 'never',
        },
        {
          system: deps.system,
          onFailure: (error) => fail(exchange, facts, failed, error, deps),
          onCut: (error) => {
            failed.error = error;
          },
        },
      );
    }
  }
}

function fail(
  exchange: Exchange,
  facts: RequestFacts,
  failed: { error: SidecarError | undefined },
  error: SidecarError,
  deps: RequestDeps,
): void {
  failed.error = error;
  if (error.blame === 'upstream') deps.log.warn({ request_id: facts.requestId, code: error.code }, error.message);
  const answer = answerFor(error);
  if (exchange.answered) exchange.abort();
  else answerMatrixError(exchange, answer.status, answer.errcode, answer.message, answer.retryAfter);
}

/** The https address that a clear-text request means: the same host, the https port unless that is the usual one. */
function answerToHttps(exchange: Exchange, runtime: Runtime): void {
  const port = runtime.config.listen.https[0]?.port ?? 443;
  const host = exchange.authority?.replace(/:\d+$/, '') ?? runtime.config.servers[0]!.serverName.host;
  answerRedirect(exchange, `https://${host}${port === 443 ? '' : `:${port}`}${exchange.target}`);
}

function logWhenClosed(
  exchange: Exchange,
  facts: RequestFacts,
  failed: { readonly error: SidecarError | undefined },
  runtime: Runtime,
  deps: RequestDeps,
): void {
  const setting = runtime.config.log.requests;
  const began = deps.system.monotonic();
  exchange.onClosed(() => {
    const { error } = failed;
    if (!isLogged(setting, exchange.status, error !== undefined && error.blame !== 'client')) return;
    const line = {
      request_id: facts.requestId,
      client: facts.client.address,
      listener: exchange.facts.listener,
      method: exchange.method,
      host: exchange.authority,
      path: pathForLog(exchange.target, findPathEnd(exchange.target)),
      status: exchange.status,
      ms: Math.round(deps.system.monotonic() - began),
      http: exchange.httpVersion,
      ...(error === undefined ? {} : { error: error.code, blame: error.blame }),
    };
    deps.log.info(line, 'request');
  });
}
