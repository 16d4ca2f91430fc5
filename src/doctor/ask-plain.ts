import { type IncomingMessage, request } from 'node:http';
import type { Upstream } from '../base/address.ts';
import { describeError, errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** What came of a request without TLS. */
export type PlainAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      /** At most `most` bytes of it. */
      readonly body: Buffer;
      /** Milliseconds from dialling to the end of the answer. */
      readonly took: number;
    }
  | {
      readonly ok: false;
      /** unreachable: no connection. no-http: something answered that is no HTTP. silent: too late. */
      readonly failure: 'unreachable' | 'no-http' | 'silent';
      /** One clause for a person. */
      readonly words: string;
    };

/** Bytes of an answer that are read where nothing is said. */
const MOST = 64 * 1024;
/** Milliseconds for one request. */
const PATIENCE = 5_000;

/** Another request than a GET without more. */
export interface PlainRequest {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes of the answer that are read. */
  readonly most?: number;
}

/** One request over HTTP/1.1 on a connection of its own, a GET unless said. Never rejects but for the signal. */
export function askPlain(
  at: Upstream,
  target: string,
  { system, signal, most = MOST, ...asked }: PlainRequest & { readonly system: System; readonly signal: AbortSignal },
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const began = system.monotonic();
    let connected = false;
    const sent = request({
      path: target,
      method: asked.method ?? 'GET',
      headers: {
        Host: asked.host ?? (at.kind === 'tcp' ? at.text.replace(/^http:\/\//, '') : 'localhost'),
        ...asked.headers,
      },
      createConnection: () => {
        const socket = system.dial(at.kind === 'tcp' ? { kind: 'tcp', host: at.host, port: at.port } : at);
        socket.once('connect', () => {
          connected = true;
        });
        return socket;
      },
    });
    const finish = (settle: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', stop);
      sent.destroy();
      settle();
    };
    const stop = (): void => finish(() => reject(signal.reason as Error));
    const silent = { ok: false, failure: 'silent', words: `it did not answer within ${PATIENCE / 1000} s` } as const;
    const timer = system.setTimer(PATIENCE, () => finish(() => resolve(silent)));
    signal.addEventListener('abort', stop, { once: true });
    sent.on('error', (error) => finish(() => resolve(explain(error, connected))));
    const answer = ({ statusCode: status = 0, headers }: IncomingMessage, body: Buffer): void => {
      const took = Math.round(system.monotonic() - began);
      finish(() => resolve({ ok: true, status, headers, body, took }));
    };
    // The offer of a WebSocket that was taken.
    sent.on('upgrade', (response) => answer(response, Buffer.alloc(0)));
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const done = (): void => answer(response, Buffer.concat(chunks).subarray(0, most));
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= most) done();
      });
      response.on('error', (error) => finish(() => resolve(explain(error, connected))));
      response.on('end', done);
    });
    sent.end(asked.body);
  });
}

function explain(error: Error, connected: boolean): PlainAnswer {
  const code = errorCode(error) ?? '';
  if (connected) {
    const closed = code === 'ECONNRESET' || code === 'EPIPE';
    const words = closed ? 'it closed the connection instead of answering' : 'what it answered is no HTTP';
    return { ok: false, failure: 'no-http', words };
  }
  return { ok: false, failure: 'unreachable', words: WORDS[code] ?? describeError(error) };
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not open that socket',
  ENOTFOUND: 'that host name does not resolve',
  EAI_AGAIN: 'that host name could not be resolved',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it does not answer to the connection attempt',
};
