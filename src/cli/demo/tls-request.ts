import { connect as connectHttp2, constants } from 'node:http2';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';

/** How a peer reaches a server: where it connects, whose certificate it expects, what it calls it. */
export interface TlsRoute {
  /** The address that is dialled. */
  readonly host: string;
  readonly port: number;
  /** The name for SNI and for the certificate. */
  readonly sni: string;
  readonly hostHeader: string;
}

export interface TlsRequest {
  readonly method: string;
  /** Sent byte for byte. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface TlsAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What a TLS handshake agreed on, with a certificate that was verified against the CA and the name. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  readonly alpn: string | false;
  /** The certificate's alternative names, as in `DNS:example.com, IP Address:127.0.0.1`. */
  readonly names: string;
  /** The issuer's common name. */
  readonly issuer: string;
}

/** Nothing on this machine may take longer, not even a sidecar that waits for its homeserver to come back. */
const SILENCE_MS = 30_000;

function trust(route: TlsRoute, ca: string): RequestOptions {
  return { host: route.host, port: route.port, servername: route.sni, ca };
}

/** Sends one HTTP/1.1 request on a connection of its own. Rejects when the certificate does not verify. */
export function requestOverTls(route: TlsRoute, ca: string, request: TlsRequest): Promise<TlsAnswer> {
  const { method, path, headers = {}, body } = request;
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(body.length) };
    const outgoing = requestHttps({
      ...trust(route, ca),
      agent: false,
      method,
      path,
      headers: { Host: route.hostHeader, ...headers, ...length },
      timeout: SILENCE_MS,
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.end(body);
  });
}

/** Makes one HTTP/2 request, which fails where HTTP/2 is not offered. */
export function requestOverHttp2(route: TlsRoute, ca: string, path: string): Promise<TlsAnswer> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${route.host}:${route.port}`, {
      ca,
      servername: route.sni,
      timeout: SILENCE_MS,
    });
    session.on('error', reject);
    session.on('timeout', () => session.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)));
    const stream = session.request({
      [constants.HTTP2_HEADER_AUTHORITY]: route.hostHeader,
      [constants.HTTP2_HEADER_PATH]: path,
    });
    let status = 0;
    let headers: TlsAnswer['headers'] = {};
    const chunks: Buffer[] = [];
    stream.on('response', (received) => {
      status = received[':status'] ?? 0;
      headers = received as TlsAnswer['headers'];
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      session.close();
      resolve({ status, headers, body: Buffer.concat(chunks) });
    });
  });
}

/** Shakes hands, with the certificate verified, and says what was agreed. */
export function inspectTls(route: TlsRoute, ca: string): Promise<TlsFacts> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls({
      host: route.host,
      port: route.port,
      ca,
      ALPNProtocols: ['h2', 'http/1.1'],
      servername: route.sni,
      timeout: SILENCE_MS,
    });
    socket.on('timeout', () => socket.destroy(new Error(`no handshake within ${SILENCE_MS / 1000} s`)));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const certificate: PeerCertificate = socket.getPeerCertificate();
      resolve({
        protocol: socket.getProtocol() ?? 'unknown',
        alpn: socket.alpnProtocol ?? false,
        names: certificate.subjectaltname ?? '',
        issuer: String(certificate.issuer?.CN ?? ''),
      });
      socket.end();
    });
  });
}
