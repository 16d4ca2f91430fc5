import type { Socket } from 'node:net';
import { readStrictly, type StrictRequest } from './strict-http.ts';
import { startRawUpstream, type TestUpstream } from './upstream.ts';

/** A homeserver's place that keeps every byte it is sent, and reads them by the letter. */
export interface RecordingUpstream extends TestUpstream {
  /** Whole requests so far, in the order in which they became whole; without the sidecar's own, for keys and versions. */
  readonly requests: () => readonly StrictRequest[];
  /** What arrived that is no HTTP/1.1 request by the letter. Must stay empty whatever a stranger sends. */
  readonly violations: () => readonly string[];
  /** Open connections on which a request has begun and is not whole. */
  readonly unfinished: () => number;
  /** Every byte that arrived, connection after connection. */
  readonly everything: () => string;
  /** Forgets what came so far. */
  reset(): void;
}

const FINE = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n';

/** Answers every request with `{}`, or as `answer` does. */
export async function startRecordingUpstream(
  answer: (request: StrictRequest, socket: Socket) => void = (request, socket) => {
    socket.write(request.method === 'HEAD' ? FINE : `${FINE}{}`);
  },
): Promise<RecordingUpstream> {
  let requests: StrictRequest[] = [];
  let violations: string[] = [];
  let everything: Buffer[] = [];
  const unfinished = new Set<Socket>();
  const upstream = await startRawUpstream((socket) => {
    socket.once('close', () => unfinished.delete(socket));
    let open: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      everything.push(chunk);
      open = Buffer.concat([open, chunk]);
      const reading = readStrictly(open);
      open = open.subarray(reading.end);
      if (open.length > 0) unfinished.add(socket);
      else unfinished.delete(socket);
      if (reading.rest === 'invalid' || reading.rest === 'after close')
        violations.push(`${reading.why}: ${JSON.stringify(open.toString('latin1').slice(0, 200))}`);
      for (const request of reading.requests) {
        if (!isOwn(request)) requests.push(request);
        answer(request, socket);
      }
    });
  });
  return {
    ...upstream,
    requests: () => requests,
    violations: () => violations,
    unfinished: () => unfinished.size,
    everything: () => Buffer.concat(everything).toString('latin1'),
    reset() {
      requests = [];
      violations = [];
      everything = [];
    },
  };
}

function isOwn(request: StrictRequest): boolean {
  return request.headers.some(([name, value]) => name.toLowerCase() === 'user-agent' && value === 'matrix-sidecar');
}
