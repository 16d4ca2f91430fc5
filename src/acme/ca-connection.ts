import type { Socket } from 'node:net';
import { Agent, buildConnector, request as sendRequest } from 'undici';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { VERSION } from '../base/version.ts';
import type { CaAnswer } from './ca-answer.ts';
import { explainUnreachable, malformedAnswer, readAnswerTime } from './read-problem.ts';
import { readTrust } from './read-trust.ts';

/** Milliseconds for one request, from the name's resolution to the answer's last byte. */
const REQUEST_TIMEOUT = 30_000;
/** Bytes. A long chain has ten thousand, a problem document with a subproblem for each of 100 names thirty thousand. */
const MAX_ANSWER = 1024 * 1024;
/** Milliseconds. Short, so that a connection is never used that the CA is about to close; its polls come faster. */
const KEEP_ALIVE = 2_000;
const MAX_REDIRECTS = 3;

export interface CaRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly accept?: string;
  /** JSON, of a signed request. */
  readonly body?: string;
}

/** The connections to one CA, with the trust that is its own. */
export interface CaConnection {
  /**
   * Sends one request, once. Only a GET or HEAD follows redirects, three at most. Rejects with an AcmeProblem of status 0
   * when there is no answer, of type `malformed-answer` when it is too large, with the signal's reason when aborted.
   */
  send(request: CaRequest, signal: AbortSignal): Promise<CaAnswer>;
  /** Ends the connections; requests in flight fail. May be called again. */
  close(): Promise<void>;
}

export interface CaConnectionDeps {
  readonly system: System;
  /** Hears what time it is by the CA's clock, in milliseconds since the epoch, with each answer that tells. */
  readonly hearTime?: ((time: number) => void) | undefined;
}

/**
 * `caFile`: certificates in PEM, trusted for this CA instead of the machine's own. Throws a SidecarError when there is
 * none in it. Takes nothing from the process: no proxy, no agent that others share.
 */
export function createCaConnection(
  slice: { readonly caFile: string | undefined },
  { system, hearTime }: CaConnectionDeps,
): CaConnection {
  const trust = slice.caFile === undefined ? {} : { ca: readTrust(slice.caFile) };
  const handshake = buildConnector({ ...trust, allowH2: false, timeout: REQUEST_TIMEOUT });
  const connect: buildConnector.connector = (options, done) => {
    const host = options.hostname.replace(/^\[(.*)\]$/, '$1');
    const socket = system.dial({ kind: 'tcp', host, port: Number(options.port || 443) });
    const failed = (error: Error): void => done(error, null);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      handshake({ ...options, httpSocket: socket as Socket }, done);
    });
  };
  // The request's own timer covers all of it.
  const agent = new Agent({
    connect,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE,
    keepAliveMaxTimeout: KEEP_ALIVE,
  });

  async function sendOnce({ method, url, accept, body }: CaRequest, signal: AbortSignal): Promise<CaAnswer> {
    const answer = await sendRequest(url, {
      dispatcher: agent,
      method,
      signal,
      headers: {
        'user-agent': `matrix-sidecar/${VERSION}`,
        ...(accept === undefined ? {} : { accept }),
        ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      length += (chunk as Buffer).length;
      if (length > MAX_ANSWER) throw malformedAnswer(url, answer.statusCode, `it has more than ${MAX_ANSWER} bytes`);
      chunks.push(chunk as Buffer);
    }
    const read: CaAnswer = {
      url,
      status: answer.statusCode,
      body: Buffer.concat(chunks).toString('utf8'),
      header(name) {
        const value = answer.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
    };
    const time = readAnswerTime(read);
    if (time !== undefined) hearTime?.(time);
    return read;
  }

  async function follow(request: CaRequest, signal: AbortSignal): Promise<CaAnswer> {
    let url = request.url;
    for (let redirects = 0; ; redirects++) {
      const answer = await sendOnce({ ...request, url }, signal);
      const location = answer.header('location');
      // A signed request names its URL: sent to another one, it would be refused there.
      if (request.method === 'POST' || ![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) {
        return answer;
      }
      const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
      if (next?.protocol !== 'https:' || redirects >= MAX_REDIRECTS) {
        throw malformedAnswer(
          url,
          answer.status,
          next?.protocol === 'https:' ? 'it redirects on and on' : 'it redirects to what is no https URL',
        );
      }
      url = next.href;
    }
  }

  return {
    async send(request, signal) {
      signal.throwIfAborted();
      const stop = new AbortController();
      const forward = (): void => stop.abort(signal.reason);
      signal.addEventListener('abort', forward, { once: true });
      let late = false;
      const timer = system.setTimer(REQUEST_TIMEOUT, () => {
        late = true;
        stop.abort();
      });
      try {
        return await follow(request, stop.signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SidecarError) throw error;
        throw explainUnreachable(request.url, error, late ? REQUEST_TIMEOUT : undefined);
      } finally {
        timer.cancel();
        signal.removeEventListener('abort', forward);
      }
    },
    close: () => agent.destroy(),
  };
}
