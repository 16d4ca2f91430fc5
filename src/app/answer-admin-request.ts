import { answerAdmin, type AdminDeps as RouteDeps } from '../admin/admin-route.ts';
import type { Log } from '../base/log.ts';
import { isTesterPath } from '../base/tester-paths.ts';
import type { Exchange } from '../forward/exchange.ts';
import { findPathEnd } from '../route/request-target.ts';
import type { FederationTester } from './federation-tester.ts';
import type { OwnAnswers } from './own-answers.ts';

export interface AdminDeps extends RouteDeps {
  readonly log: Log;
  readonly answers: OwnAnswers;
  readonly tester: FederationTester;
}

/** The life of a request on the admin listener. Never rejects: a defect costs one request. */
export async function answerAdminRequest(exchange: Exchange, deps: AdminDeps): Promise<void> {
  const { answers } = deps;
  const path = exchange.target.slice(0, findPathEnd(exchange.target));
  if (isTesterPath(path))
    return deps.tester.answer(exchange, { kind: 'operator', address: exchange.facts.peerAddress });
  try {
    const answer = await answerAdmin(exchange.method, path, deps);
    if (answer.type === 'json') answers.json(exchange, answer.status, answer.body);
    else answers.text(exchange, answer.status, String(answer.body), answer);
  } catch (error) {
    deps.log.error({ err: error }, 'A request to the admin listener failed because of a defect in the sidecar.');
    answers.text(exchange, 500, 'Internal error; the log says more.\n');
  }
}
