import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { askWhole } from './ask-whole.ts';
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

/** Asks for one document and reads it whole, up to `most` bytes and for ten seconds. Never rejects. */
export async function fetchDocument(
  connections: UpstreamConnections,
  request: DocumentRequest,
  system: System,
): Promise<Fetched> {
  const { path, host, most, clientAddress = '127.0.0.1', userAgent = 'matrix-sidecar', authorization } = request;
  // As the edge says of everybody's requests: without the scheme, Synapse warns in its log.
  const forwarded = ['X-Forwarded-For', clientAddress, 'X-Forwarded-Proto', 'https'];
  const headers = ['Host', host, ...forwarded, 'User-Agent', userAgent];
  if (authorization !== undefined) headers.push('Authorization', authorization);
  const answered = await askWhole(connections.take(), { path, headers, within: DEADLINE, most }, system);
  return answered.ok ? answered : { ok: false, why: describeError(answered.error) };
}
