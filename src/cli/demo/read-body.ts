import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A request's body after it was read to its end. */
export interface ReadBody {
  readonly bytes: number;
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string;
  /** The bytes themselves; empty when they were only counted. */
  readonly content: Buffer;
}

/**
 * Reads a body to its end, hashing as it comes, and keeps its bytes if asked to. Undefined once it has more than
 * `limit` bytes; the rest is then left unread. Rejects when the sender goes away.
 */
export async function readBody(request: IncomingMessage, limit: number, keep: boolean): Promise<ReadBody | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined;
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early must not destroy the connection: the refusal still has to be written to it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    hash.update(chunk);
    if (keep) kept.push(chunk);
  }
  return { bytes, sha256: hash.digest('hex'), content: Buffer.concat(kept) };
}
