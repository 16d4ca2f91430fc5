import type { Socket } from 'node:net';

export interface RequestSink {
  /** A request's head, with its empty line. */
  head(text: string): void;
  body(bytes: Buffer): void;
  end(): void;
}

type State = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers';

/** Reads HTTP/1.1 requests off a raw connection as they come, bodies piece by piece. Nothing is repaired: what is odd throws. */
export function readRequests(socket: Socket, sink: RequestSink): void {
  let seen: Buffer = Buffer.alloc(0);
  let state: State = 'head';
  let left = 0;

  /** Up to and with `end`; undefined where it has not come yet. */
  function takeUntil(end: string): string | undefined {
    const at = seen.indexOf(end);
    if (at === -1) return undefined;
    const text = seen.toString('latin1', 0, at + end.length);
    seen = seen.subarray(at + end.length);
    return text;
  }

  function finish(): void {
    state = 'head';
    sink.end();
  }

  function beginBody(head: string): void {
    left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) state = 'chunk-size';
    else if (left > 0) state = 'length';
    else finish();
  }

  /** True where there was enough to go on. */
  function step(): boolean {
    switch (state) {
      case 'head': {
        const head = takeUntil('\r\n\r\n');
        if (head === undefined) return false;
        sink.head(head);
        beginBody(head);
        return true;
      }
      case 'chunk-size': {
        const line = takeUntil('\r\n');
        if (line === undefined) return false;
        left = Number.parseInt(line, 16);
        state = left === 0 ? 'trailers' : 'chunk';
        return true;
      }
      case 'chunk-end': {
        if (takeUntil('\r\n') === undefined) return false;
        state = 'chunk-size';
        return true;
      }
      case 'trailers': {
        const line = takeUntil('\r\n');
        if (line === '\r\n') finish();
        return line !== undefined;
      }
      default: {
        if (seen.length === 0) return false;
        const bytes = seen.subarray(0, left);
        left -= bytes.length;
        seen = seen.subarray(bytes.length);
        sink.body(bytes);
        if (left > 0) return false;
        if (state === 'chunk') state = 'chunk-end';
        else finish();
        return true;
      }
    }
  }

  socket.on('data', (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    while (!socket.destroyed && step());
  });
}
