import { describeError } from '../base/errors.ts';
import type { UpstreamConnections } from './upstream-connections.ts';

/** Milliseconds. */
const DEADLINE = 10_000;

/** A small document of the homeserver's, asked for by ourselves. */
export type Fetched =
  | { readonly ok: true; readonly status: number; readonly body: Buffer }
  | { readonly ok: false; readonly why: string };

export interface DocumentRequest {
  readonly path: string;
  readonly host: string;
  /** Bytes of the body. */
  readonly most: number;
  /** For whom it is asked, when it is not for ourselves. */
  readonly clientAddress?: string;
  readonly userAgent?: string | undefined;
  readonly authorization?: string;
}

/** Asks for one document and reads it whole, up to `most` bytes. Never rejects. */
export function fetchDocument(connections: UpstreamConnections, request: DocumentRequest): Promise<Fetched> {
  return new Promise((resolve) => {
    const connection = connections.take();
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    // As the edge says of everybody's requests: without the scheme, Synapse warns in its log.
    const headers = [
      'Host',
      request.host,
      'X-Forwarded-For',
      request.clientAddress ?? '127.0.0.1',
      'X-Forwarded-Proto',
      'https',
      'User-Agent',
      request.userAgent ?? 'matrix-sidecar',
    ];
    if (request.authorization !== undefined) headers.push('Authorization', request.authorization);
    connection.dispatch(
      { target: request.path, method: 'GET', headers, body: null, answerWithin: DEADLINE, moveWithin: DEADLINE },
      {
        begun() {},
        interim() {},
        head(head) {
          status = head.status;
        },
        data(chunk) {
          bytes += chunk.length;
          if (bytes > request.most) connection.abort(new Error(`the answer is longer than ${request.most} bytes`));
          else chunks.push(chunk);
        },
        end() {
          connection.release();
          resolve({ ok: true, status, body: Buffer.concat(chunks) });
        },
        failed(error) {
          connection.discard();
          resolve({ ok: false, why: describeError(error) });
        },
      },
    );
  });
}
