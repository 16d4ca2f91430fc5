import type { Step } from '../../discovery/resolution.ts';
import { isJsonObject, type JsonObject } from '../../matrix/json.ts';
import { type KeyDocument, readKeyDocument } from '../../matrix/key-document.ts';
import type { ServerName } from '../../matrix/server-name.ts';
import { type SignableRequest, signRequest } from '../../matrix/x-matrix.ts';
import { type DemoDiscovery, findServer } from './demo-discovery.ts';
import type { StandInHomeserver } from './stand-in-homeserver.ts';
import { requestOverTls, type TlsAnswer, type TlsRequest, type TlsRoute } from './tls-request.ts';

/** One server of the demo: a stand-in homeserver behind a sidecar. */
export interface DemoServer {
  readonly serverName: ServerName;
  /** How other servers find it, for a person. */
  readonly way: string;
  /** The step of the specification by which they do. */
  readonly step: Step;
  /** How a peer reaches it, as the specification has it. */
  readonly federation: TlsRoute;
  /** How a client reaches it. */
  readonly client: TlsRoute;
  /** `https://SERVER_NAME/`, where the well-known documents are looked for. */
  readonly web: TlsRoute;
  readonly homeserver: StandInHomeserver;
}

/** Gets a server's keys as its peers do, discovery and all, and checks them at `now`, milliseconds since the epoch. */
export async function fetchServerKeys(
  serverName: ServerName,
  discovery: DemoDiscovery,
  ca: string,
  now: number,
): Promise<KeyDocument> {
  const route = await findServer(serverName, discovery);
  const answer = await requestOverTls(route, ca, { method: 'GET', path: '/_matrix/key/v2/server' });
  const read = readKeyDocument(readJson(answer), serverName.text, now);
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
