import { type AdminSources, answerAdmin } from '../admin/admin-route.ts';
import type { Log } from '../base/log.ts';
import type { Exchange } from '../forward/exchange.ts';
import { findPathEnd } from '../route/request-target.ts';
import type { OwnAnswers } from './own-answers.ts';

export interface AdminDeps extends AdminSources {
  readonly log: Log;
  readonly answers: OwnAnswers;
}

/** The life of a request on the admin listener. Never rejects: a defect costs one request. */
export async function answerAdminRequest(exchange: Exchange, deps: AdminDeps): Promise<void> {
  const { answers } = deps;
  try {
    const answer = await answerAdmin(exchange.method, exchange.target.slice(0, findPathEnd(exchange.target)), deps);
    if (answer.type === 'json') answers.json(exchange, answer.status, answer.body);
    else answers.text(exchange, answer.status, String(answer.body), answer);
  } catch (error) {
    deps.log.error({ err: error }, 'A request to the admin listener failed because of a defect in the sidecar.');
    answers.text(exchange, 500, 'Internal error; the log says more.\n');
  }
}
