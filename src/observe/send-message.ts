import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';

export interface SenderSlice {
  /** PEM, trusted in place of the public CAs; only tests have one, others set NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | undefined;
  /** Milliseconds for one try; 10 seconds if it is not given. */
  readonly timeout?: number | undefined;
}

/** A message, and where it goes. `url` and `headers` may be secret: nothing that comes out of a sender repeats them. */
export interface Outgoing {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly message: object;
}

/**
 * How a try to send went. `why` is a clause for a person; `status` is what was answered, if anything was; `retryAfter` is what
 * the other side asked for, in seconds.
 */
export type Delivery =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly why: string;
      readonly status?: number;
      readonly retryAfter: number | undefined;
    };

/** Sends messages of ours to where somebody wants them. */
export interface Sender {
  /** One try. Rejects only with the signal's reason. */
  send(outgoing: Outgoing, signal: AbortSignal): Promise<Delivery>;
  /** Ends a try under way. Idempotent. */
  close(): Promise<void>;
}

const TIMEOUT = 10_000;
/** Bytes of an answer that are read away, so that the connection ends in good order; nobody looks at them. */
const MOST_BYTES = 65_536;
/** Bytes of a refusal in which a Matrix error code may stand. */
const MOST_OF_REFUSAL = 4_096;

/**
 * Certificates are verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says, and redirects are not followed: a message goes where
 * it is configured to go, and nowhere else.
 */
export function createSender(slice: SenderSlice, { system }: { readonly system: System }): Sender {
  const { timeout = TIMEOUT, ca } = slice;
  let closing: Promise<void> | undefined;
  let opened: ReturnType<typeof open> | undefined;

  /** Loaded with the first message: hardly anybody ever has one. */
  async function open() {
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({
      connect: { timeout, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
      allowH2: false,
      // Messages are days apart.
      pipelining: 0,
    });
    return { request, dispatcher };
  }

  async function exchange({ method, url, headers, message }: Outgoing, signal: AbortSignal): Promise<Delivery> {
    if (closing !== undefined) throw new Error('this process is stopping');
    opened ??= open();
    const { request, dispatcher } = await opened;
    const answer = await request(url, {
      ...{ method, dispatcher, signal },
      headers: { 'content-type': 'application/json', accept: '*/*', 'user-agent': 'matrix-sidecar', ...headers },
      body: JSON.stringify(message),
    });
    const { statusCode } = answer;
    if (statusCode >= 200 && statusCode < 300) {
      // It was taken; how the answer ends does not matter.
      await answer.body.dump({ limit: MOST_BYTES, signal }).catch(() => {});
      return { ok: true };
    }
    const redirected = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : '';
    const code = await readMatrixCode(answer.body);
    const after = answer.headers['retry-after'];
    const retryAfter = typeof after === 'string' && /^\d{1,7}$/.test(after) ? Number(after) : undefined;
    return { ok: false, why: `it answered ${statusCode}${code}${redirected}`, status: statusCode, retryAfter };
  }

  return {
    async send(outgoing, signal) {
      signal.throwIfAborted();
      const late = new AbortController();
      const timer = system.setTimer(timeout, () => late.abort());
      try {
        return await exchange(outgoing, AbortSignal.any([signal, late.signal]));
      } catch (error) {
        signal.throwIfAborted();
        const why = late.signal.aborted ? `no answer within ${timeout / 1000} s` : describeError(error);
        return { ok: false, why: why.replaceAll(outgoing.url, new URL(outgoing.url).host), retryAfter: undefined };
      } finally {
        timer.cancel();
      }
    },
    close() {
      closing ??= opened === undefined ? Promise.resolve() : opened.then(({ dispatcher }) => dispatcher.destroy());
      return closing;
    },
  };
}

/** ` M_FORBIDDEN` (Client-Server API, Standard error response). Nothing else of what it says: it may repeat the address. */
async function readMatrixCode(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  try {
    // Leaving the loop early ends the connection.
    for await (const chunk of body) {
      text += chunk.toString('latin1');
      if (text.length > MOST_OF_REFUSAL) break;
    }
    const { errcode } = JSON.parse(text) as { readonly errcode?: unknown };
    return typeof errcode === 'string' && /^M_[A-Z_]{1,60}$/.test(errcode) ? ` ${errcode}` : '';
  } catch {
    return '';
  }
}
