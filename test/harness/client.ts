import {
  type ClientHttp2Session,
  connect as connectHttp2,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { type RequestOptions, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { TestSidecar } from './sidecar.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly rawHeaders: string[];
  readonly body: Buffer;
  readonly json: () => Record<string, unknown>;
}

/** Where a sidecar is, in this process or another. */
export type Reachable = Pick<TestSidecar, 'ca' | 'https' | 'federation' | 'http' | 'admin'>;

export interface Ask extends RequestOptions {
  readonly on?: 'https' | 'federation';
  readonly body?: string | Buffer;
}

/** One request over verified TLS and HTTP/1.1. The certificate is checked against the sidecar's own CA. */
export function ask(sidecar: Reachable, path: string, options: Ask = {}): Promise<Answer> {
  const { on = 'https', body, ...more } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: sidecar[on], servername: 'localhost', ca: sidecar.ca, agent: false, path, ...more },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            body: whole,
            json: () => JSON.parse(whole.toString()) as Record<string, unknown>,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What came back on a raw connection, and how it ended. */
export interface RawOutcome {
  readonly text: string;
  readonly ended: 'closed' | 'open';
  /** Milliseconds from connecting to the end, or to giving up. */
  readonly ms: number;
}

export interface RawOptions extends ConnectionOptions {
  readonly on?: 'https' | 'federation' | 'http' | 'admin';
  /** Without TLS, even where the port expects it. */
  readonly plain?: boolean;
  /** Give up and return what came after this many milliseconds. */
  readonly patience?: number;
  /** The address that it comes from. */
  readonly from?: string;
  /** Stop as soon as this has come. */
  readonly until?: RegExp;
}

/** Sends bytes as they are and collects everything until the other side closes. */
export function sendRaw(
  sidecar: Reachable,
  bytes: string | Buffer | readonly (string | Buffer)[],
  options: RawOptions = {},
): Promise<RawOutcome> {
  const { on = 'https', plain = on === 'http' || on === 'admin', patience = 8_000, until, from, ...more } = options;
  const place = { host: '127.0.0.1', port: sidecar[on], ...(from === undefined ? {} : { localAddress: from }) };
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = plain
      ? connectTcp(place)
      : connectTls({
          ...place,
          servername: 'localhost',
          ca: sidecar.ca,
          ALPNProtocols: ['http/1.1'],
          ...more,
        });
    let text = '';
    const finish = (ended: 'closed' | 'open'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, ended, ms: performance.now() - began });
    };
    const timer = setTimeout(() => finish('open'), patience);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until?.test(text) === true) finish('open');
    });
    socket.once('close', () => finish('closed'));
    socket.once(plain ? 'connect' : 'secureConnect', () => {
      for (const part of typeof bytes === 'string' || Buffer.isBuffer(bytes) ? [bytes] : bytes) {
        socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
      }
    });
  });
}

/** An HTTP/2 connection with verified TLS. */
export function openHttp2(
  sidecar: Reachable,
  on: 'https' | 'federation' = 'https',
  options: SecureClientSessionOptions = {},
): ClientHttp2Session {
  const session = connectHttp2(`https://localhost:${sidecar[on]}`, {
    ...options,
    createConnection: () =>
      connectTls({
        host: '127.0.0.1',
        port: sidecar[on],
        servername: 'localhost',
        ca: sidecar.ca,
        ALPNProtocols: ['h2'],
      }),
  });
  session.on('error', () => {});
  return session;
}

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request on an HTTP/2 connection. */
export function askHttp2(
  session: ClientHttp2Session,
  headers: Record<string, string | string[] | number>,
  body?: Buffer | string,
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const chunks: Buffer[] = [];
    let received: IncomingHttpHeaders = {};
    stream.on('response', (fields) => {
      received = fields;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => {
      if (received[':status'] === undefined)
        reject(new Error(`stream closed without an answer, code ${stream.rstCode}`));
      else resolve({ status: Number(received[':status']), headers: received, body: Buffer.concat(chunks) });
    });
    if (body !== undefined) stream.end(body);
  });
}
