import type { Metrics } from '../observe/metrics.ts';
import type { Readiness, Status } from './status.ts';

/** An answer of the admin listener. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: 'text' | 'json';
  readonly body: unknown;
  /** For 405: the methods that there are. */
  readonly allow?: string;
  /** Of text that is not plain. */
  readonly contentType?: string;
}

export interface AdminSources {
  status(): Status | Promise<Status>;
  readiness(): Promise<Readiness>;
  readonly metrics: Pick<Metrics, 'scrape'>;
}

/** The same of one process alone. */
export interface OwnSources extends AdminSources {
  status(): Status;
  readonly metrics: Pick<Metrics, 'scrape' | 'snapshot' | 'describe'>;
}

const INDEX = `matrix-sidecar

/healthz     the process lives
/readyz      certificates and homeservers are usable, and if not, which and why
/api/status  listeners, servers and certificates as JSON
/metrics     the same in numbers, for Prometheus

/federationtester                      whether another Matrix server can be reached, and if not, why
/api/report?server_name=example.com    the same as JSON
/api/federation-ok?server_name=...     in one word
`;

/** Answers a request on the admin listener; `path` is without query. */
export async function answerAdmin(method: string, path: string, sources: AdminSources): Promise<AdminAnswer> {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, type: 'text', body: 'Only GET and HEAD are served here.\n', allow: 'GET, HEAD' };
  switch (path) {
    case '/':
      return { status: 200, type: 'text', body: INDEX };
    case '/healthz':
      return { status: 200, type: 'text', body: 'ok\n' };
    case '/readyz': {
      const readiness = await sources.readiness();
      return { status: readiness.ready ? 200 : 503, type: 'json', body: readiness };
    }
    case '/api/status':
      return { status: 200, type: 'json', body: await sources.status() };
    case '/metrics': {
      const { contentType, text } = await sources.metrics.scrape();
      return { status: 200, type: 'text', body: text, contentType };
    }
    default:
      return { status: 404, type: 'text', body: `Nothing is served at this path.\n\n${INDEX}` };
  }
}
