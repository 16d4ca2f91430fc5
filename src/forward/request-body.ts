import { Readable } from 'node:stream';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { Exchange } from './exchange.ts';
import { createStallGuard, type StallGuard } from './stall-guard.ts';

/** Bodies up to this size are collected before the homeserver hears of the request: one write, and safe to repeat. */
export const COLLECT_UP_TO = 64 * 1024;

export interface BodyRules {
  /** Bytes; one more is `too-large`. */
  readonly limit: number;
  /** Milliseconds in which a body has to move on. */
  readonly stalled: number;
}

function tooLarge(limit: number): SidecarError {
  return new SidecarError(`The body is larger than ${limit} bytes.`, { code: 'body-too-large', blame: 'client' });
}

function tooSlow(): SidecarError {
  return new SidecarError('The body stopped arriving.', { code: 'body-stalled', blame: 'client' });
}

/** Does the declared length alone forbid the request? Decided before a byte of the body is read. */
export function declaresTooMuch(exchange: Exchange, limit: number): boolean {
  return exchange.contentLength !== undefined && exchange.contentLength > limit;
}

/** Is the body small, and known to be? */
export function isCollectable(exchange: Exchange): boolean {
  return exchange.contentLength !== undefined && exchange.contentLength <= COLLECT_UP_TO;
}

/** Collects a small body and gives it to `done` once, or the reason why it did not come whole. */
export function collectBody(
  exchange: Exchange,
  rules: BodyRules,
  system: System,
  done: (outcome: Buffer | SidecarError) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let open = true;
  const finish = (outcome: Buffer | SidecarError): void => {
    if (!open) return;
    open = false;
    guard.stop();
    done(outcome);
  };
  const guard = createStallGuard(rules.stalled, () => finish(tooSlow()), system);
  exchange.readBody({
    data(chunk) {
      bytes += chunk.length;
      guard.moved(chunk.length);
      if (bytes > rules.limit) finish(tooLarge(rules.limit));
      else chunks.push(chunk);
      return true;
    },
    end: () => finish(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes)),
    failed: finish,
  });
}

/** A body on its way to the homeserver, with backpressure, and how much of it has come so far. */
export interface StreamedBody {
  readonly readable: Readable;
  readonly received: () => number;
}

/**
 * The body as a stream for the homeserver. Not the client's own: this one is destroyed when an answer comes early, and
 * destroying the client's would take its connection, and the answer, with it.
 */
export function streamBody(exchange: Exchange, rules: BodyRules, system: System): StreamedBody {
  let bytes = 0;
  // From the first read on: until there is a connection, it is the homeserver that everybody waits for.
  let guard: StallGuard | undefined;
  const readable = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      guard?.resume();
      if (guard !== undefined) return exchange.resumeBody();
      guard = createStallGuard(rules.stalled, () => readable.destroy(tooSlow()), system);
      exchange.readBody({
        data(chunk) {
          bytes += chunk.length;
          guard?.moved(chunk.length);
          if (readable.destroyed) return true;
          if (bytes > rules.limit) {
            readable.destroy(tooLarge(rules.limit));
            return true;
          }
          if (readable.push(chunk)) return true;
          // From here on it is the homeserver that is slow.
          guard?.pause();
          return false;
        },
        end() {
          guard?.stop();
          readable.push(null);
        },
        failed: (error) => void readable.destroy(error),
      });
    },
    destroy(error, done) {
      guard?.stop();
      done(error);
    },
  });
  // Whoever sends it listens while there is use for it; what goes wrong later has been told already.
  readable.on('error', () => {});
  return { readable, received: () => bytes };
}
