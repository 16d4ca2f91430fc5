import type { IncomingMessage } from 'node:http';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import { isJsonObject } from '../../matrix/json.ts';
import type { KeyDocument } from '../../matrix/key-document.ts';
import type { ServerName } from '../../matrix/server-name.ts';
import { parseXMatrix, verifyRequest, type XMatrix } from '../../matrix/x-matrix.ts';
import type { ReadBody } from './read-body.ts';

/** Gets another server's keys, checked, as a homeserver does on its own account. */
export type FetchKeys = (serverName: ServerName) => Promise<Parsed<KeyDocument>>;

/** What an authenticated federation request looked like when it reached the homeserver. */
export interface FederationEcho {
  readonly method: string;
  /** The request target's bytes as they arrived. */
  readonly uri: string;
  readonly origin: string;
  readonly host: string | null;
  readonly x_forwarded_for: string | null;
  readonly x_forwarded_proto: string | null;
  readonly x_request_id: string | null;
  readonly body_sha256: string;
  readonly body_bytes: number;
}

/**
 * Authenticates a federation request as the specification says (server-server API, "Request Authentication") over the
 * method, the target's raw bytes and the parsed body. Gives the echo, or one sentence on why it is not authentic.
 */
export async function authenticate(
  request: IncomingMessage,
  body: ReadBody,
  ourName: string,
  fetchKeys: FetchKeys,
): Promise<Parsed<FederationEcho>> {
  const header = readHeader(request);
  if (!header.ok) return header;
  const content = readContent(body);
  if (!content.ok) return content;
  const { origin, key } = header.value;
  const keys = await fetchKeys(origin);
  if (!keys.ok) return bad(`the keys of ${origin.text} could not be had: ${keys.why}`);
  const publicKey = keys.value.verifyKeys.get(key);
  if (publicKey === undefined) return bad(`${origin.text} does not publish the key ${key}`);
  const method = request.method ?? '';
  const uri = request.url ?? '';
  const verified = verifyRequest(header.value, { method, uri, content: content.value }, ourName, publicKey);
  if (!verified.ok) return verified;
  return good({
    method,
    uri,
    origin: origin.text,
    host: joined(request, 'host'),
    x_forwarded_for: joined(request, 'x-forwarded-for'),
    x_forwarded_proto: joined(request, 'x-forwarded-proto'),
    x_request_id: joined(request, 'x-request-id'),
    body_sha256: body.sha256,
    body_bytes: body.bytes,
  });
}

function readHeader(request: IncomingMessage): Parsed<XMatrix> {
  // `headers` would drop all Authorization lines but the first.
  const lines = request.headersDistinct['authorization'] ?? [];
  const header = lines.find((line) => /^X-Matrix /i.test(line));
  return header === undefined ? bad('there is no X-Matrix Authorization header') : parseXMatrix(header);
}

function readContent(body: ReadBody): Parsed<unknown> {
  if (body.bytes === 0) return good(undefined);
  try {
    const content: unknown = JSON.parse(body.content.toString());
    return isJsonObject(content) ? good(content) : bad('the body is no JSON object');
  } catch {
    return bad('the body is no JSON');
  }
}

function joined(request: IncomingMessage, name: string): string | null {
  return request.headersDistinct[name]?.join(', ') ?? null;
}
