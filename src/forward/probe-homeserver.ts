import { describeError } from '../base/errors.ts';
import { AWAY_STATUSES } from './failure.ts';
import type { UpstreamConnections } from './upstream-connections.ts';

export interface ProbeResult {
  readonly ok: boolean;
  /** One sentence: what answered, or why nothing did. */
  readonly what: string;
}

/** Milliseconds. */
const PROBE_DEADLINE = 5_000;

/** Asks a homeserver for its client versions, as any client would. Never rejects. */
export function probeHomeserver(connections: UpstreamConnections): Promise<ProbeResult> {
  return probe(connections, '/_matrix/client/versions', (status) => status === 200);
}

/**
 * Does it take requests again? Asked at Synapse's `/health` (synapse/rest/health.py); a homeserver that does not know
 * the path is there as well.
 */
export function probeHealth(connections: UpstreamConnections): Promise<ProbeResult> {
  return probe(connections, '/health', (status) => !AWAY_STATUSES.has(status));
}

function probe(
  connections: UpstreamConnections,
  path: string,
  isGood: (status: number) => boolean,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const connection = connections.take();
    const text = connections.upstream.text;
    let answer = 0;
    connection.dispatch(
      { path, method: 'GET', headersTimeout: PROBE_DEADLINE, bodyTimeout: PROBE_DEADLINE },
      {
        onRequestStart() {},
        onResponseStart(_controller, status) {
          if (status >= 200) answer = status;
        },
        onResponseData() {},
        onResponseEnd() {
          connection.release();
          resolve({ ok: isGood(answer), what: `${text} answered ${answer} to ${path}` });
        },
        onResponseError(_controller, error) {
          connection.discard();
          resolve({ ok: false, what: `${text} did not answer: ${describeError(error)}` });
        },
      },
    );
  });
}
