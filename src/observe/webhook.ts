import { describeError } from '../base/errors.ts';
import type { System } from '../base/system.ts';

export interface WebhookSlice {
  /** Secret: tokens live in it. Nothing that comes out of here repeats more of it than the host. */
  readonly url: string;
  /** PEM, trusted in place of the public CAs; only tests have one, others set NODE_EXTRA_CA_CERTS. */
  readonly ca?: string;
  /** Milliseconds for one try; 10 seconds if it is not given. */
  readonly timeout?: number;
}

/** How a try to post went. `why` is a clause for a person; `retryAfter` is what the other side asked for, in seconds. */
export type Delivery =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly retryAfter: number | undefined };

/** Somebody else's address that messages are posted to. */
export interface Webhook {
  /** What may be said of the address. */
  readonly host: string;
  /** One try. Rejects only with the signal's reason. */
  post(message: object, signal: AbortSignal): Promise<Delivery>;
  /** Ends a try under way. Idempotent. */
  close(): Promise<void>;
}

const TIMEOUT = 10_000;
/** Bytes of an answer that are read away, so that the connection ends in good order; nobody looks at them. */
const MOST_BYTES = 65_536;

/**
 * Posts JSON. Certificates are verified, whatever NODE_TLS_REJECT_UNAUTHORIZED says, and redirects are not followed: the
 * message goes where it is configured to go, and nowhere else.
 */
export function createWebhook(slice: WebhookSlice, { system }: { readonly system: System }): Webhook {
  const { url, timeout = TIMEOUT } = slice;
  const { host } = new URL(url);
  let closing: Promise<void> | undefined;
  let opened: ReturnType<typeof open> | undefined;

  /** Loaded with the first message: hardly anybody ever has one. */
  async function open() {
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({
      connect: { timeout, rejectUnauthorized: true, ...(slice.ca === undefined ? {} : { ca: slice.ca }) },
      allowH2: false,
      // Messages are days apart.
      pipelining: 0,
    });
    return { request, dispatcher };
  }

  async function exchange(message: object, signal: AbortSignal): Promise<Delivery> {
    if (closing !== undefined) throw new Error('this process is stopping');
    opened ??= open();
    const { request, dispatcher } = await opened;
    const answer = await request(url, {
      method: 'POST',
      dispatcher,
      signal,
      headers: { 'content-type': 'application/json', accept: '*/*', 'user-agent': 'matrix-sidecar' },
      body: JSON.stringify(message),
    });
    const { statusCode, headers } = answer;
    if (statusCode >= 200 && statusCode < 300) {
      // It was taken; how the answer ends does not matter.
      await answer.body.dump({ limit: MOST_BYTES, signal }).catch(() => {});
      return { ok: true };
    }
    // Not what it says: an error page may repeat the address.
    answer.body.on('error', () => {}).destroy();
    const redirected = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : '';
    const after = headers['retry-after'];
    const retryAfter = typeof after === 'string' && /^\d{1,7}$/.test(after) ? Number(after) : undefined;
    return { ok: false, why: `it answered ${statusCode}${redirected}`, retryAfter };
  }

  return {
    host,
    async post(message, signal) {
      signal.throwIfAborted();
      const late = new AbortController();
      const timer = system.setTimer(timeout, () => late.abort());
      try {
        return await exchange(message, AbortSignal.any([signal, late.signal]));
      } catch (error) {
        signal.throwIfAborted();
        const why = late.signal.aborted ? `no answer within ${timeout / 1000} s` : describeError(error);
        return { ok: false, why: why.replaceAll(url, host), retryAfter: undefined };
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
