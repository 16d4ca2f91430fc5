import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions } from 'node:net';
import { formatHostPort, type Upstream } from '../../base/address.ts';
import { describeError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { System } from '../../base/system.ts';
import { corsHeaders, type Errcode, matrixError, preflightHeaders } from '../../matrix/errors.ts';
import type { JsonObject } from '../../matrix/json.ts';
import { buildKeyDocument } from '../../matrix/key-document.ts';
import type { ServerName } from '../../matrix/server-name.ts';
import { createSigningKey, type SigningKey } from '../../matrix/signing.ts';
import { readBody } from './read-body.ts';
import { authenticate, type FetchKeys } from './stand-in-federation.ts';

export interface StandInOptions {
  readonly serverName: ServerName;
  /** Where it listens, without TLS; port 0 takes a free one. */
  readonly listen: Upstream;
  readonly fetchKeys: FetchKeys;
}

/** A homeserver without rooms: it speaks enough of the protocol to check everything that stands in front of it. */
export interface StandInHomeserver {
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  /** Where it is, with the port it got. The same after every `start`. */
  readonly upstream: Upstream;
  /** How many requests have reached it. */
  requestCount(): number;
  /** Listens again after `stop`. */
  start(): Promise<void>;
  /** Drops all connections and refuses new ones. */
  stop(): Promise<void>;
  /** `stop`, for good; any number of times. */
  close(): Promise<void>;
}

const BODY_LIMIT = 64 * 1024 * 1024;
const LONGEST_POLL_MS = 30_000;
const KEY_VALIDITY_MS = 24 * 3_600_000;

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void | Promise<void>;

/** Creates a stand-in homeserver that listens. Rejects with the system's error when it cannot. */
export async function createStandInHomeserver(
  options: StandInOptions,
  { system, log }: { readonly system: System; readonly log: Log },
): Promise<StandInHomeserver> {
  const name = options.serverName.text;
  const signingKey = createSigningKey('ed25519:demo', system.randomBytes(32));
  let requests = 0;

  const sync: Handler = (_request, response, query) => {
    const asked = Number(query.get('timeout') ?? 0);
    const wait = Number.isFinite(asked) ? Math.min(Math.max(asked, 0), LONGEST_POLL_MS) : 0;
    const timer = system.setTimer(wait, () => sendJson(response, 200, { next_batch: `s${system.now()}` }));
    response.on('close', () => timer.cancel());
  };

  const upload: Handler = async (request, response) => {
    const body = await readBody(request, BODY_LIMIT, false);
    if (body === undefined) refuseBody(response);
    else sendJson(response, 200, { content_uri: `mxc://${name}/demo`, sha256: body.sha256, bytes: body.bytes });
  };

  const federation: Handler = async (request, response) => {
    const body = await readBody(request, BODY_LIMIT, true);
    if (body === undefined) return refuseBody(response);
    const echo = await authenticate(request, body, name, options.fetchKeys);
    if (echo.ok) sendJson(response, 200, { ...echo.value });
    else sendError(response, 401, 'M_UNAUTHORIZED', echo.why);
  };

  const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ['GET /health', (_request, response) => sendText(response, 'OK')],
    [
      'GET /_matrix/key/v2/server',
      (_request, response) =>
        sendJson(response, 200, buildKeyDocument(name, signingKey, system.now() + KEY_VALIDITY_MS)),
    ],
    [
      'GET /_matrix/federation/v1/version',
      (_request, response) => sendJson(response, 200, { server: { name: 'matrix-sidecar stand-in', version: '1' } }),
    ],
    ['GET /_matrix/client/versions', (_request, response) => sendJson(response, 200, { versions: ['v1.15'] })],
    ['GET /_matrix/client/v3/sync', sync],
    ['POST /_matrix/media/v3/upload', upload],
  ]);

  const handle: Handler = (request, response, query) => {
    if (request.method === 'OPTIONS') return send(response, 204, preflightHeaders, '');
    const path = pathOf(request);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const handler =
      handlers.get(`${method} ${path}`) ?? (path.startsWith('/_matrix/federation/') ? federation : undefined);
    if (handler !== undefined) return handler(request, response, query);
    sendError(response, 404, 'M_UNRECOGNIZED', `There is no ${path} here`);
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    requests += 1;
    const query = new URLSearchParams((request.url ?? '').slice(pathOf(request).length));
    Promise.resolve()
      .then(() => handle(request, response, query))
      .catch((error: unknown) => {
        log.debug({ server: name, error: describeError(error) }, 'The stand-in homeserver gave up on a request');
        if (response.headersSent || request.destroyed) response.destroy();
        else sendError(response, 500, 'M_UNKNOWN', describeError(error));
      });
  });

  const upstream = await listen(server, options.listen);
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  let closing: Promise<void> | undefined;
  return {
    serverName: options.serverName,
    signingKey,
    upstream,
    requestCount: () => requests,
    start: async () => {
      if (closing === undefined && !server.listening) await listen(server, upstream);
    },
    stop,
    close: () => (closing ??= stop()),
  };
}

/** Listens where it is told, and says where that is once the port is known. */
async function listen(server: Server, where: Upstream): Promise<Upstream> {
  const place: ListenOptions = where.kind === 'unix' ? { path: where.path } : { host: where.host, port: where.port };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(place, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (where.kind === 'unix' || address === null || typeof address === 'string') return where;
  return { ...where, port: address.port, text: `http://${formatHostPort(where.host, address.port)}` };
}

function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '';
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

function send(response: ServerResponse, status: number, headers: readonly string[], body: string): void {
  // A 204 has no length (RFC 9110, section 8.6).
  const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(status, [...headers, ...length]);
  response.end(body);
}

function sendText(response: ServerResponse, text: string): void {
  send(response, 200, ['Content-Type', 'text/plain', ...corsHeaders], text);
}

function sendJson(response: ServerResponse, status: number, body: JsonObject): void {
  send(response, status, ['Content-Type', 'application/json', ...corsHeaders], JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, errcode: Errcode, message: string): void {
  sendJson(response, status, matrixError(errcode, message));
}

function refuseBody(response: ServerResponse): void {
  // What is left of the body would otherwise be read as the next request.
  response.shouldKeepAlive = false;
  sendError(response, 413, 'M_TOO_LARGE', `More than ${BODY_LIMIT} bytes`);
}
