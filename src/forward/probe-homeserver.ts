import { describeError } from '../base/errors.ts';
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
  return new Promise((resolve) => {
    const connection = connections.take();
    const text = connections.upstream.text;
    connection.dispatch(
      { path: '/_matrix/client/versions', method: 'GET', headersTimeout: PROBE_DEADLINE, bodyTimeout: PROBE_DEADLINE },
      {
        onRequestStart() {},
        onResponseStart(_controller, status) {
          if (status >= 200) this.status = status;
        },
        onResponseData() {},
        onResponseEnd() {
          connection.release();
          resolve({ ok: this.status === 200, what: `${text} answered ${this.status} to /_matrix/client/versions` });
        },
        onResponseError(_controller, error) {
          connection.discard();
          resolve({ ok: false, what: `${text} did not answer: ${describeError(error)}` });
        },
        status: 0,
      } as import('undici').Dispatcher.DispatchHandler & { status: number },
    );
  });
}
