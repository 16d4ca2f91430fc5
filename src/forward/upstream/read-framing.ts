import type { AnswerHead } from './parse-head.ts';
import { badAnswer } from './wire-error.ts';

/** How an answer's body is delimited, and whether its connection may serve another request. */
export interface Framing {
  readonly body: 'none' | 'length' | 'chunked' | 'close';
  /** Bytes, where `body` is `length`; else 0. */
  readonly length: number;
  readonly keepAlive: boolean;
  /** Milliseconds for which the homeserver says that it keeps the connection (`Keep-Alive: timeout`). */
  readonly kept: number | undefined;
}

/**
 * RFC 9112 section 6.3, as a gateway has to read it: where two readings are possible, the answer is refused, because somebody
 * behind us may choose the other. A length and chunks, two lengths even if they are equal, and any coding but `chunked`, which
 * is what would be undone here, are. Throws a WireError. Pure.
 */
export function readFraming(method: string, head: AnswerHead): Framing {
  const { status, fields, httpVersion } = head;
  let length: number | undefined;
  let chunked = false;
  let close = false;
  let keep = httpVersion === '1.1';
  let kept: number | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!;
    // By length first: this runs over every field of every answer.
    switch (name.length) {
      case 10: {
        const lower = name.toLowerCase();
        if (lower === 'connection') {
          const options = fields[index + 1]!;
          if (/(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(options)) close = true;
          if (/(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i.test(options)) keep = true;
        } else if (lower === 'keep-alive') kept ??= readTimeout(fields[index + 1]!);
        break;
      }
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        if (length !== undefined) throw badAnswer('it gives two lengths');
        length = readLength(fields[index + 1]!);
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        if (chunked || fields[index + 1]!.toLowerCase() !== 'chunked')
          throw badAnswer('it has a transfer coding other than chunked');
        chunked = true;
    }
  }
  if (chunked && length !== undefined) throw badAnswer('it gives a length and comes in chunks');
  if (chunked && httpVersion === '1.0') throw badAnswer('it comes in chunks, which HTTP/1.0 does not have');
  const keepAlive = keep && !close;
  if (method === 'HEAD') return { body: 'none', length: 0, keepAlive, kept };
  if (status === 204 || status === 304) {
    // Who announces a body there may send one, which nobody must take for the next answer.
    return { body: 'none', length: 0, keepAlive: keepAlive && !chunked && (length ?? 0) === 0, kept };
  }
  if (chunked) return { body: 'chunked', length: 0, keepAlive, kept };
  if (length === undefined) return { body: 'close', length: 0, keepAlive: false, kept };
  return { body: length === 0 ? 'none' : 'length', length, keepAlive, kept };
}

function readLength(value: string): number {
  const length = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) throw badAnswer('its Content-Length is no length');
  return length;
}

function readTimeout(value: string): number | undefined {
  const seconds = /(?:^|[,;])[\t ]*timeout=(\d{1,9})(?![^\t ,;])/i.exec(value)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
