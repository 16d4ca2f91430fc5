import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { constants, type IncomingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import type { Readable, Writable } from 'node:stream';
import { openHttp2 } from './client.ts';
import type { TestSidecar } from './sidecar.ts';

/** The two HTTP versions that clients and other servers speak to the sidecar. */
export const VERSIONS = ['HTTP/1.1', 'HTTP/2'] as const;
export type Version = (typeof VERSIONS)[number];

export interface StreamAsk {
  readonly method?: string;
  readonly path?: string;
  /** Flat, as they go on the wire; over HTTP/2 in lower case. Host is `a.test` unless `authority` says otherwise. */
  readonly headers?: readonly string[];
  readonly authority?: string;
  /** The request has a body, which `write` and `end` send. */
  readonly hasBody?: boolean;
  readonly on?: 'https' | 'federation';
  /** Bytes of an answer's headers that are accepted. */
  readonly maxHeader?: number;
}

export interface StreamHead {
  readonly status: number;
  /** Flat, case and duplicates as they came. Over HTTP/2 without pseudo-headers. */
  readonly rawHeaders: string[];
  /** All values of a field. */
  readonly all: (name: string) => string[];
}

export interface StreamEnd {
  readonly body: Buffer;
  /** Did the answer end as HTTP says that it must, rather than by a cut connection or stream? */
  readonly complete: boolean;
  /** The RST_STREAM code over HTTP/2. */
  readonly code: number | undefined;
  /** Flat. */
  readonly trailers: string[];
}

/** One request under the test's control, byte by byte, the same over both versions. */
export interface StreamRequest {
  readonly outgoing: Writable;
  /** Rejects when the connection or the stream ends without an answer. */
  readonly head: Promise<StreamHead>;
  /** Reads the answer to its end; never rejects. Nothing is read from the network before `end` or `incoming` is used. */
  end(): Promise<StreamEnd>;
  readonly incoming: Promise<Readable>;
  /** 1xx answers so far: status and flat headers. */
  readonly informational: { readonly status: number; readonly rawHeaders: string[] }[];
  /** Leaves as a client that is killed would. */
  leave(): void;
  close(): void;
}

/** Starts a request on a connection of its own. */
export function openRequest(sidecar: TestSidecar, version: Version, options: StreamAsk = {}): StreamRequest {
  return version === 'HTTP/2' ? openHttp2Request(sidecar, options) : openHttp1Request(sidecar, options);
}

/** Sends a whole request and reads the whole answer. */
export async function exchangeWhole(
  sidecar: TestSidecar,
  version: Version,
  options: StreamAsk & { readonly body?: string | Buffer } = {},
): Promise<StreamHead & StreamEnd & { readonly json: () => Record<string, unknown> }> {
  const { body, ...rest } = options;
  const sent = openRequest(sidecar, version, body === undefined ? rest : { ...rest, hasBody: true });
  if (body !== undefined) sent.outgoing.end(body);
  try {
    const head = await sent.head;
    const end = await sent.end();
    return { ...head, ...end, json: () => JSON.parse(end.body.toString()) as Record<string, unknown> };
  } finally {
    sent.close();
  }
}

function openHttp1Request(sidecar: TestSidecar, options: StreamAsk): StreamRequest {
  const { method = 'GET', path = '/_matrix/x', headers = [], authority = 'a.test', on = 'https' } = options;
  const own = headers.some((name, index) => index % 2 === 0 && /^(content-length|transfer-encoding)$/i.test(name));
  const framing = options.hasBody === true && !own ? ['Transfer-Encoding', 'chunked'] : [];
  const sent: ClientRequest = request({
    host: '127.0.0.1',
    port: sidecar[on],
    servername: 'localhost',
    ca: sidecar.ca,
    agent: false,
    method,
    path,
    maxHeaderSize: options.maxHeader,
    headers: ['Host', authority, ...headers, ...framing],
  });
  const informational: StreamRequest['informational'] = [];
  sent.on('information', (info) => informational.push({ status: info.statusCode, rawHeaders: info.rawHeaders }));
  sent.on('error', ignore);
  const incoming = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', (response) => {
      response.on('error', ignore);
      resolve(response);
    });
    sent.once('close', () => reject(new Error('the connection ended without an answer')));
  });
  incoming.catch(ignore);
  if (options.hasBody !== true) sent.end();
  else sent.flushHeaders();
  const head = incoming.then((response) => toHead(response.statusCode ?? 0, response.rawHeaders));
  head.catch(ignore);
  return {
    outgoing: sent,
    informational,
    incoming,
    head,
    async end() {
      const response = await incoming;
      const body = await collect(response);
      return { body, complete: response.complete, code: undefined, trailers: response.rawTrailers };
    },
    leave: () => void sent.destroy(),
    close: () => void sent.destroy(),
  };
}

function openHttp2Request(sidecar: TestSidecar, options: StreamAsk): StreamRequest {
  const { method = 'GET', path = '/_matrix/x', headers = [], authority = 'a.test', on = 'https' } = options;
  const settings = { maxHeaderListSize: options.maxHeader ?? 64 * 1024, enablePush: false };
  // Not in the types of the client's options, though the client takes it: several Authorization fields are legal.
  const lenient: object = { strictSingleValueFields: false };
  const session = openHttp2(sidecar, on, { maxHeaderListPairs: 1000, settings, ...lenient });
  const fields: string[] = [':method', method, ':path', path, ':authority', authority, ':scheme', 'https'];
  for (let index = 0; index < headers.length; index += 2)
    fields.push(headers[index]!.toLowerCase(), headers[index + 1]!);
  const stream = session.request(fields, { endStream: options.hasBody !== true });
  const informational: StreamRequest['informational'] = [];
  const trailers: string[] = [];
  stream.on('error', ignore);
  stream.on('headers', (received, _flags, raw: string[]) =>
    informational.push({ status: Number(received[':status']), rawHeaders: withoutPseudo(raw) }),
  );
  stream.on('trailers', (_received: IncomingHttpHeaders, _flags: number, raw: string[]) => trailers.push(...raw));
  const head = new Promise<StreamHead>((resolve, reject) => {
    stream.once('response', (received: IncomingHttpHeaders & { ':status'?: number }, _flags: number, raw: string[]) =>
      resolve(toHead(Number(received[':status']), withoutPseudo(raw))),
    );
    stream.once('close', () => reject(new Error(`the stream ended without an answer, code ${stream.rstCode}`)));
  });
  head.catch(ignore);
  const closed = once(stream, 'close');
  closed.catch(ignore);
  const incoming = head.then(() => stream);
  incoming.catch(ignore);
  return {
    outgoing: stream,
    informational,
    incoming,
    head,
    async end() {
      const body = await collect(stream);
      await closed.catch(ignore);
      const { rstCode } = stream;
      return { body, complete: rstCode === constants.NGHTTP2_NO_ERROR, code: rstCode, trailers };
    },
    leave: () => session.destroy(),
    close: () => session.destroy(),
  };
}

function toHead(status: number, rawHeaders: string[]): StreamHead {
  return {
    status,
    rawHeaders,
    all: (name) =>
      rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name.toLowerCase()),
  };
}

function withoutPseudo(raw: readonly string[]): string[] {
  return raw.filter((_, index) => !raw[index - (index % 2)]!.startsWith(':'));
}

function collect(stream: Readable): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const finish = (): void => resolve(Buffer.concat(chunks));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', finish);
    stream.once('close', finish);
    if (stream.destroyed) finish();
  });
}

function ignore(): void {}
