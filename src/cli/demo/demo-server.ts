import { isJsonObject, type JsonObject, ownMember } from '../../matrix/json.ts';
import { type KeyDocument, readKeyDocument } from '../../matrix/key-document.ts';
import { parseServerName, type ServerName } from '../../matrix/server-name.ts';
import { type SignableRequest, signRequest } from '../../matrix/x-matrix.ts';
import type { StandInHomeserver } from './stand-in-homeserver.ts';
import { requestOverTls, type TlsAnswer, type TlsRequest, type TlsRoute } from './tls-request.ts';

/** One server of the demo: a stand-in homeserver behind a sidecar. */
export interface DemoServer {
  readonly serverName: ServerName;
  /** How other servers find it, for a person. */
  readonly way: string;
  /** How a peer reaches it, as the specification has it. */
  readonly federation: TlsRoute;
  /** How a client reaches it. */
  readonly client: TlsRoute;
  /** The sidecar's https port, which stands for port 443. */
  readonly httpsPort: number;
  readonly homeserver: StandInHomeserver;
}

const WELL_KNOWN = '/.well-known/matrix/server';

/** Where `https://HOST/.well-known/` of a server is in the demo: at the sidecar's https port in place of 443. */
export function wellKnownRoute(server: DemoServer): TlsRoute {
  const { host, kind } = server.serverName;
  return { host: '127.0.0.1', port: server.httpsPort, sni: kind === 'dns' ? host : undefined, hostHeader: host };
}

/**
 * Finds a server as its peers do (server-server API, "Resolving server names", steps 1, 2 and 3.2), but that every
 * name is taken to be this machine and port 443 to be the server's https port.
 */
export async function findServer(server: DemoServer, ca: string): Promise<TlsRoute> {
  const { serverName } = server;
  if (serverName.port !== undefined || serverName.kind !== 'dns') return routeTo(serverName);
  const answer = await requestOverTls(wellKnownRoute(server), ca, { method: 'GET', path: WELL_KNOWN });
  const delegate = ownMember(readJson(answer), 'm.server');
  const parsed = parseServerName(typeof delegate === 'string' ? delegate : '');
  if (!parsed.ok) throw new Error(`m.server of ${serverName.text}: ${parsed.why}`);
  return routeTo(parsed.value);
}

function routeTo(name: ServerName): TlsRoute {
  const sni = name.kind === 'dns' ? name.host : undefined;
  return { host: '127.0.0.1', port: name.port ?? 8448, sni, hostHeader: name.text };
}

/** Gets a server's keys through its sidecar and checks them at `now`, milliseconds since the epoch. */
export async function fetchServerKeys(server: DemoServer, ca: string, now: number): Promise<KeyDocument> {
  const route = await findServer(server, ca);
  const answer = await requestOverTls(route, ca, { method: 'GET', path: '/_matrix/key/v2/server' });
  const read = readKeyDocument(readJson(answer), server.serverName.text, now);
  if (!read.ok) throw new Error(read.why);
  return read.value;
}

/** Sends a federation request from one server to another, signed with the sender's key. */
export async function federate(
  from: DemoServer,
  to: DemoServer,
  ca: string,
  request: Omit<TlsRequest, 'body'> & { readonly content?: JsonObject; readonly signedPath?: string },
): Promise<TlsAnswer> {
  const { method, path, content, headers = {} } = request;
  const signable: SignableRequest = {
    method,
    uri: request.signedPath ?? path,
    origin: from.serverName.text,
    destination: to.serverName.text,
    ...(content === undefined ? {} : { content }),
  };
  const authorization = signRequest(signable, from.homeserver.signingKey);
  return requestOverTls(to.federation, ca, {
    method,
    path,
    headers: { ...headers, Authorization: authorization },
    ...(content === undefined ? {} : { body: Buffer.from(JSON.stringify(content)) }),
  });
}

/** The JSON object in an answer with status 200; throws with what came instead. */
export function readJson(answer: TlsAnswer, status = 200): JsonObject {
  const text = answer.body.toString();
  if (answer.status !== status)
    throw new Error(`answered ${answer.status} in place of ${status}: ${text.slice(0, 200)}`);
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Said below, together with JSON that is no object.
  }
  throw new Error(`answered something other than a JSON object: ${text.slice(0, 200)}`);
}
