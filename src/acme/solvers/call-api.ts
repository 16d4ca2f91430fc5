import { Agent, request } from 'undici';
import { describeError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import { excerpt, type ProviderFailure, providerFailed } from './dns-provider.ts';
import { within } from './within.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  /** Seconds, from a Retry-After that is a number. */
  readonly retryAfter: number | undefined;
}

/** Calls the interface of a DNS provider over HTTP. Any answer is one; none is a SidecarError, code `dns-provider`. */
export type CallApi = (request: ApiRequest) => Promise<ApiAnswer>;

export interface ApiCallerSlice {
  /** For messages: `Cloudflare`. */
  readonly title: string;
  /** PEM, to trust for a private server, instead of the public CAs. */
  readonly ca?: string | undefined;
  /** Milliseconds for a call; 30 seconds if it is not given. */
  readonly timeout?: number;
}

/** Bytes of an answer that are read. A page of Cloudflare's has tens of kilobytes. */
const MOST_BYTES = 1_048_576;
const TIMEOUT = 30_000;

/** Redirects are not followed: credentials go where they are configured to go, and nowhere else. */
export function createApiCaller(
  slice: ApiCallerSlice,
  deps: { readonly system: System },
): { readonly call: CallApi; close(): Promise<void> } {
  const { title } = slice;
  const { system } = deps;
  const timeout = slice.timeout ?? TIMEOUT;
  const dispatcher = new Agent({
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: { timeout, ...(slice.ca === undefined ? {} : { ca: slice.ca }) },
    // A single small request now and then.
    allowH2: false,
  });

  async function exchange({ method, url, headers, body }: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await request(url, {
      method,
      dispatcher,
      signal,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of answer.body as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MOST_BYTES) throw new Error(`it answers with more than ${MOST_BYTES} bytes`);
      parts.push(part);
    }
    const after = answer.headers['retry-after'];
    return {
      status: answer.statusCode,
      text: Buffer.concat(parts).toString('utf8'),
      retryAfter: typeof after === 'string' && /^\d{1,7}$/.test(after) ? Number(after) : undefined,
    };
  }

  async function call(asked: ApiRequest): Promise<ApiAnswer> {
    const late = (): Error => new Error(`no answer within ${timeout / 1000} s`);
    try {
      return await within(system, timeout, asked.signal, late, (signal) => exchange(asked, signal));
    } catch (error) {
      asked.signal?.throwIfAborted();
      const why = excerpt(describeError(error)).replace(/\.$/, '');
      throw providerFailed(title, `no answer from ${new URL(asked.url).origin}: ${why}`, {
        hint: 'Check that address, and that this machine may connect to it.',
        retryAfter: 60,
        cause: error,
      });
    }
  }

  let closing: Promise<void> | undefined;
  return {
    call,
    close() {
      closing ??= dispatcher.destroy();
      return closing;
    },
  };
}

/** The failure of a call that was answered with an error, in the server's own words. */
export function answeredWith(title: string, answer: ApiAnswer, words: string, hint: string): Error {
  const said = excerpt(words);
  const refused = answer.status === 401 || answer.status === 403;
  const failure: ProviderFailure = { hint, blame: refused ? 'operator' : 'remote', retryAfter: answer.retryAfter };
  return providerFailed(
    title,
    `it answered ${answer.status}${said === '' ? '' : `: ${said.replace(/\.$/, '')}`}`,
    failure,
  );
}

/** An answer's JSON object; undefined when it is none. */
export function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
