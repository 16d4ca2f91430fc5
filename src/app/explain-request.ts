import type { BindAddress } from '../base/address.ts';
import type { Config } from '../config/config.ts';
import { writeDuration, writeSize } from '../config/write-quantity.ts';
import { mayRepeat } from '../forward/may-repeat.ts';
import { listClaimedOrigins } from '../matrix/claimed-origins.ts';
import { DEFAULT_DEADLINE } from '../matrix/endpoint-table.ts';
import { judgeRepetition } from '../matrix/repeated-put.ts';
import type { Decision } from '../route/decision.ts';
import { locateOnHttps } from '../route/redirect-location.ts';
import { findPathEnd } from '../route/request-target.ts';
import { createRoutes } from './create-routes.ts';
import { explainPool } from './explain-pool.ts';
import type { AskedRequest, Explanation } from './explanation.ts';

/** Explains a request by the decisions that `serve` goes by. Pure. */
export function explainRequest(asked: AskedRequest, config: Config): Explanation {
  const decision = createRoutes(config)({ ...asked, origins: () => listClaimedOrigins(asked.headers) });
  return [
    ['request', `${asked.method} ${asked.target}`],
    ['listener', describeListener(asked.listener, config)],
    ...(decision.do === 'forward' ? explainForward(decision, asked, config) : explainAnswer(decision, asked, config)),
  ];
}

function describeListener(listener: AskedRequest['listener'], { listen }: Config): string {
  const places = listen[listener].map(({ text }: BindAddress) => text).join(', ');
  return places === '' ? `${listener}, which is closed in this configuration` : `${listener} (${places})`;
}

function explainAnswer(
  decision: Exclude<Decision, { readonly do: 'forward' }>,
  { authority, target }: AskedRequest,
  { listen, servers }: Config,
): Explanation {
  const facts = { httpsPorts: listen.https.map(({ port }) => port), fallback: servers[0]!.serverName };
  const what = {
    publish: 'answered here: a well-known document',
    preflight: "answered here: the preflight of a browser's request",
    challenge: 'answered here, where a certificate is being ordered',
    redirect: `redirected to ${decision.do === 'redirect' ? locateOnHttps(authority, target, facts) : ''}`,
    identify: "answered here: the keys of the federation tester's own name",
    test: 'answered here: the federation tester',
    probe: 'answered here, to `doctor` alone',
    refuse: decision.do === 'refuse' ? `refused: ${decision.status} ${decision.errcode}, ${decision.message}` : '',
  }[decision.do];
  return [
    ['outcome', what],
    ['why', decision.why],
  ];
}

function explainForward(
  decision: Decision & { readonly do: 'forward' },
  asked: AskedRequest,
  config: Config,
): Explanation {
  const { endpoint, upstream, server, pools, target: rewritten } = decision;
  const { limits } = config;
  const { method, target } = asked;
  const retry = judgeRepetition(method, target, findPathEnd(target), endpoint?.retry ?? 'never');
  const patience = Math.min(endpoint?.patience ?? 0, limits.hold);
  const place = namePlace(decision, config);
  return [
    ['outcome', 'forwarded'],
    ['why', decision.why],
    ['server', server],
    [place, upstream.text],
    ...(rewritten === undefined || rewritten === target ? [] : [['asked there for', rewritten] as const]),
    ...(pools === undefined ? [] : explainPool(decision, asked, config)),
    ['body', `up to ${writeSize(endpoint?.bodyLimit === 'body' ? limits.body : limits.upload)}`],
    ['answer', `begins within ${writeDuration(endpoint?.deadline ?? DEFAULT_DEADLINE)}, or 504`],
    ['nobody there', patience === 0 ? '502 at once' : describeWait(patience, endpoint?.lastGood === true, asked)],
    ['connection dies', mayRepeat(method, retry) ? 'sent again, which does no harm' : '502: never sent twice'],
  ];
}

function namePlace(
  { endpoint, upstream, pools, server }: Decision & { readonly do: 'forward' },
  { servers }: Config,
): string {
  if (endpoint === undefined) return 'website';
  if (endpoint.surface === 'rtc') return 'service for calls';
  if (pools !== undefined) return 'main process';
  const { homeserver } = servers.find(({ serverName }) => serverName.text === server)!;
  return upstream.text === homeserver.text ? 'homeserver' : 'authentication service';
}

function describeWait(patience: number, lastGood: boolean, { method }: AskedRequest): string {
  const known =
    lastGood && (method === 'GET' || method === 'HEAD') ? 'what it said last, where that is known; else ' : '';
  return `${known}waits up to ${writeDuration(patience)}`;
}
