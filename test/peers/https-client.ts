import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { connect as connectTls } from 'node:tls';

/** Where a client connects: the address instead of a DNS look-up, the name for TLS and Host. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly name: string;
  /** Authorities to verify the certificate against, each PEM; nothing else is trusted. */
  readonly ca: readonly string[];
  /** The client's own address, when it matters. */
  readonly from?: string;
}

export interface ClientRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer;
}

export interface ClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly sha256: string;
}

/** One request over one connection of its own. */
export type HttpClient = (endpoint: Endpoint, request: ClientRequest) => Promise<ClientAnswer>;

/** Long enough for a 60 second long poll behind a busy machine. */
const DEADLINE = 120_000;

function toAnswer(status: number, headers: IncomingHttpHeaders, chunks: readonly Buffer[]): ClientAnswer {
  const body = Buffer.concat(chunks);
  return { status, headers, body, sha256: createHash('sha256').update(body).digest('hex') };
}

function writtenHost(endpoint: Endpoint): string {
  return endpoint.port === 443 ? endpoint.name : `${endpoint.name}:${endpoint.port}`;
}

/** HTTP/1.1 with Node's https, certificate verified. */
export const askHttp1: HttpClient = (endpoint, request) =>
  new Promise((resolve, reject) => {
    const length = request.body === undefined ? {} : { 'Content-Length': request.body.length };
    const outgoing = requestHttps(
      {
        host: endpoint.address,
        port: endpoint.port,
        servername: endpoint.name,
        ca: [...endpoint.ca],
        agent: false,
        method: request.method,
        path: request.path,
        headers: { Host: writtenHost(endpoint), ...length, ...request.headers },
        signal: AbortSignal.timeout(DEADLINE),
        ...(endpoint.from === undefined ? {} : { localAddress: endpoint.from }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve(toAnswer(incoming.statusCode ?? 0, incoming.headers, chunks)));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(request.body);
  });

/** HTTP/2 with Node's http2, certificate verified; fails when the server does not choose h2. */
export const askHttp2: HttpClient = (endpoint, request) =>
  new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${writtenHost(endpoint)}`, {
      createConnection: () =>
        connectTls({
          host: endpoint.address,
          port: endpoint.port,
          servername: endpoint.name,
          ca: [...endpoint.ca],
          ALPNProtocols: ['h2'],
          ...(endpoint.from === undefined ? {} : { localAddress: endpoint.from }),
        }),
    });
    const fail = (error: Error): void => {
      session.destroy();
      reject(error);
    };
    session.on('error', fail);
    const length = request.body === undefined ? {} : { 'content-length': request.body.length };
    const stream = session.request(
      { ':method': request.method, ':path': request.path, ...length, ...request.headers },
      { endStream: request.body === undefined, signal: AbortSignal.timeout(DEADLINE) },
    );
    let status = 0;
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (received) => {
      status = received[':status'] ?? 0;
      headers = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      session.close();
      resolve(toAnswer(status, headers, chunks));
    });
    stream.on('error', fail);
    if (request.body !== undefined) stream.end(request.body);
  });

/** Both protocols, for tables of cases. */
export const PROTOCOLS: readonly (readonly [string, HttpClient])[] = [
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
];
