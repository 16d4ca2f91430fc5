import type { Metrics } from '../observe/metrics.ts';
import { judgeStatus } from './judge-status.ts';
import type { Readiness, Status } from './status.ts';
import type { StatusPage } from './status-page.ts';

/** An answer of the admin listener. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: 'text' | 'json';
  readonly body: unknown;
  /** For 405: the methods that there are. */
  readonly allow?: string;
  /** Of text that is not plain. */
  readonly contentType?: string;
  /** More of them: name, value, name, value. */
  readonly headers?: readonly string[];
}

export interface AdminSources {
  status(): Status | Promise<Status>;
  readiness(): Promise<Readiness>;
  readonly metrics: Pick<Metrics, 'scrape'>;
}

/** What answers are made of. */
export interface AdminDeps extends AdminSources {
  /** The status page. */
  page(): Promise<StatusPage>;
}

/** The same of one process alone. */
export interface OwnSources extends AdminSources {
  status(): Status;
  readonly metrics: Pick<Metrics, 'scrape' | 'snapshot' | 'describe'>;
}

const INDEX = `matrix-sidecar

/            how it is, for people; matrix-sidecar status shows the same in a terminal
/healthz     the process lives
/readyz      certificates and homeservers are usable, and if not, which and why
/api/status  the same as JSON
/metrics     what there is in numbers, for Prometheus

/federationtester                      whether another Matrix server can be reached, and if not, why
/api/report?server_name=example.com    the same as JSON
/api/federation-ok?server_name=...     in one word
`;

/** Answers a request on the admin listener; `path` is without query. */
export async function answerAdmin(method: string, path: string, sources: AdminDeps): Promise<AdminAnswer> {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, type: 'text', body: 'Only GET and HEAD are served here.\n', allow: 'GET, HEAD' };
  switch (path) {
    case '/':
      return answerPage(await sources.page());
    case '/healthz':
      return { status: 200, type: 'text', body: 'ok\n' };
    case '/readyz': {
      const readiness = await sources.readiness();
      return { status: readiness.ready ? 200 : 503, type: 'json', body: readiness };
    }
    case '/api/status': {
      const status = await sources.status();
      return { status: 200, type: 'json', body: { ...status, verdict: judgeStatus(status) } };
    }
    case '/metrics': {
      const { contentType, text } = await sources.metrics.scrape();
      return { status: 200, type: 'text', body: text, contentType };
    }
    default:
      return { status: 404, type: 'text', body: `Nothing is served at this path.\n\n${INDEX}` };
  }
}

function answerPage({ html, policy }: StatusPage): AdminAnswer {
  const safe = ['X-Content-Type-Options', 'nosniff', 'Referrer-Policy', 'no-referrer'];
  return {
    status: 200,
    type: 'text',
    body: html,
    contentType: 'text/html; charset=utf-8',
    headers: ['Content-Security-Policy', policy, ...safe],
  };
}
