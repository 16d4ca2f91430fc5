import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionFacts } from '../base/connection.ts';
import { answerFor } from '../forward/failure.ts';
import { buildRequestHeaders } from '../forward/request-headers.ts';
import type { Upgrader } from '../forward/upgrade.ts';
import { rawAnswer } from '../listen/plain-http-answer.ts';
import { DEFAULT_DEADLINE } from '../matrix/endpoint-table.ts';
import type { RequestDeps } from './handle-request.ts';
import { describeRequest } from './request-facts.ts';
import type { Runtime } from './runtime.ts';

export interface UpgradeDeps extends RequestDeps {
  readonly upgrader: Upgrader;
}

/** The life of a WebSocket: the same facts and the same routes as any request, then bytes both ways. */
export function handleUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  facts: ConnectionFacts,
  runtime: Runtime,
  deps: UpgradeDeps,
): void {
  const end = (status: number, errcode: string, message: string): void => {
    socket.on('error', () => {});
    socket.end(rawAnswer(status, errcode, message));
  };
  if (facts.listener === 'admin') return end(404, 'M_UNRECOGNIZED', 'No WebSockets here.');
  const target = request.url ?? '/';
  const source = { facts, headers: request.rawHeaders, authority: request.headers.host };
  const described = describeRequest(source, runtime.config, deps);
  const decision = runtime.route({
    listener: facts.listener,
    method: request.method ?? 'GET',
    target,
    authority: request.headers.host,
    serverName: facts.serverName,
    clientAddress: described.client.address,
  });
  if (decision.do === 'refuse') return end(decision.status, decision.errcode, decision.message);
  if (decision.do !== 'forward' || request.method !== 'GET')
    return end(400, 'M_UNKNOWN', 'Nothing at this path speaks WebSocket.');
  const headers = buildRequestHeaders({ ...source, httpVersion: '1.1' }, described.forwarded);
  if (!headers.ok) return end(400, 'M_UNKNOWN', `Bad request: ${headers.why}.`);
  deps.upgrader.upgrade(request, socket, head, {
    upstream: decision.upstream,
    headers: headers.value,
    deadline: decision.endpoint?.deadline ?? DEFAULT_DEADLINE,
    onFailure(error, client) {
      deps.log.warn({ request_id: described.requestId, code: error.code }, error.message);
      const answer = answerFor(error);
      client.write(rawAnswer(answer.status, answer.errcode, answer.message));
    },
  });
}
