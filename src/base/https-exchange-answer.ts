import { type ClientRequest, type IncomingMessage, request as sendRequest } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HttpsRequest } from './https-exchange.ts';
import { explainAnswer, type FailedExchange } from './https-exchange-failure.ts';

/** What came back, or why nothing did. */
export type Answered =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly body: Buffer;
      readonly cut: boolean;
    }
  | ({ readonly ok: false } & FailedExchange);

/** Bytes of a head; a trailer counts as well. */
const MAX_HEAD = 65_536;
/** 100 Continue, 103 Early Hints and so on before the answer itself. */
const MAX_INFORMATIONAL = 16;
/** Bytes of the request's body that are handed to the connection at a time. */
const PIECE = 65_536;

/**
 * Sends the request and calls `settle` once. Does not end the connection: the caller does, whatever came. An answer that
 * comes before the request's body is through counts.
 */
export function exchangeOver(socket: TLSSocket, request: HttpsRequest, settle: (answered: Answered) => void): void {
  const outgoing = sendRequest({
    createConnection: () => socket,
    method: request.method,
    // Goes out as it is: a character is a byte.
    path: request.target,
    headers: flatHeaders(request),
    maxHeaderSize: MAX_HEAD,
  });
  let answer: IncomingMessage | undefined;
  const fail = (error: unknown): void => settle({ ok: false, ...explainAnswer(error, answer !== undefined) });
  let informational = 0;
  outgoing.on('error', fail);
  outgoing.on('information', () => {
    informational += 1;
    if (informational > MAX_INFORMATIONAL) {
      settle({ ok: false, failure: 'bad-http', words: 'its interim answers do not end' });
    }
  });
  outgoing.on('response', (incoming) => {
    answer = incoming;
    const body = createBoundedBody(request.maxBody);
    const finish = (cut: boolean): void => settle({ ok: true, ...readHead(incoming), body: body.taken(), cut });
    incoming.on('error', fail);
    incoming.on('data', (chunk: Buffer) => {
      if (!body.add(chunk)) finish(true);
    });
    incoming.on('end', () => {
      if (incoming.complete) finish(false);
      else fail(undefined);
    });
  });
  // A switch of protocols that nobody asked for is an answer like another.
  outgoing.on('upgrade', (incoming) => settle({ ok: true, ...readHead(incoming), body: Buffer.alloc(0), cut: false }));
  void sendBody(outgoing, request.body, () => socket.destroyed || answer !== undefined);
}

function flatHeaders(request: HttpsRequest): string[] {
  const { host, headers = [], body } = request;
  const length = body === undefined ? [] : ['Content-Length', String(body.length)];
  // The offer of another protocol has its own.
  const connection = headers.some(([name]) => name.toLowerCase() === 'connection') ? [] : ['Connection', 'close'];
  return ['Host', host, ...headers.flat(), ...length, ...connection];
}

function readHead({ statusCode = 0, rawHeaders }: IncomingMessage) {
  const headers = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1]!] as const] : []));
  return { status: statusCode, headers };
}

/** In pieces, with a look at what came in between each: who answers early and hangs up has its answer read first. */
async function sendBody(
  outgoing: ClientRequest,
  body: Uint8Array = new Uint8Array(),
  enough: () => boolean,
): Promise<void> {
  for (let at = 0; at < body.length; at += PIECE) {
    if (enough()) return;
    // The callback comes also when the connection ends first.
    await new Promise<void>((resolve) => outgoing.write(body.subarray(at, at + PIECE), () => setImmediate(resolve)));
  }
  if (!enough()) outgoing.end();
}

/** Bytes in one piece of memory that grows up to `max`, however small the chunks are in which they come. */
function createBoundedBody(max: number) {
  let bytes = Buffer.alloc(Math.min(max, 4096));
  let length = 0;
  return {
    /** Whether all of the chunk had room. */
    add(chunk: Buffer): boolean {
      const kept = chunk.subarray(0, max - length);
      if (length + kept.length > bytes.length) {
        const larger = Buffer.alloc(Math.min(max, Math.max(bytes.length * 2, length + kept.length)));
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
      kept.copy(bytes, length);
      length += kept.length;
      return kept.length === chunk.length;
    },
    taken: () => bytes.subarray(0, length),
  };
}
