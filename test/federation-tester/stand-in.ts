import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '../../src/matrix/json.ts';
import { isJsonObject } from '../../src/matrix/json.ts';
import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey, type SigningKey } from '../../src/matrix/signing.ts';
import { parseXMatrix, verifyRequest } from '../../src/matrix/x-matrix.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Gives the key document of another server, or undefined when it cannot be had. */
export type FetchKeys = (serverName: string) => JsonObject | undefined;

export interface StandInOptions {
  readonly serverName: string;
  readonly key?: SigningKey;
  readonly fetchKeys: FetchKeys;
}

export const KEY = createSigningKey('ed25519:a_1', Buffer.alloc(32, 1));
const DAY = 86_400_000;

/** The federation side of a homeserver without rooms, with the answers and in the order of Synapse. */
export function standIn({ serverName, key = KEY, fetchKeys }: StandInOptions): Handler {
  return async (request, response) => {
    const url = request.url ?? '';
    const path = url.split('?')[0]!;
    if (path === '/_matrix/key/v2/server') {
      return sendJson(response, 200, buildKeyDocument(serverName, key, Date.now() + DAY));
    }
    if (path === '/_matrix/federation/v1/version') {
      return sendJson(response, 200, { server: { name: 'Stand-in', version: '1.0' } });
    }
    const isEvent = request.method === 'GET' && /^\/_matrix\/federation\/v1\/event\/[^/]*\/?$/.test(path);
    const isSend = request.method === 'PUT' && /^\/_matrix\/federation\/v1\/send\/[^/]+\/?$/.test(path);
    if (!isEvent && !isSend)
      return sendJson(response, 404, { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' });
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const content: unknown = isSend ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    const refusal = authenticate(request, url, content, serverName, fetchKeys);
    if (refusal !== undefined) return sendJson(response, refusal[0], { errcode: 'M_UNAUTHORIZED', error: refusal[1] });
    if (isSend) sendJson(response, 200, { pdus: {} });
    else sendJson(response, 404, '');
  };
}

function authenticate(
  request: IncomingMessage,
  uri: string,
  content: unknown,
  ourName: string,
  fetchKeys: FetchKeys,
): readonly [number, string] | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return [401, 'Missing Authorization headers'];
  const header = parseXMatrix(authorization);
  if (!header.ok) return [400, 'Malformed Authorization header'];
  const document = fetchKeys(header.value.origin.text);
  if (document === undefined) return [401, 'Failed to find any key to satisfy'];
  const keys = isJsonObject(document['verify_keys']) ? document['verify_keys'] : {};
  const entry = keys[header.value.key];
  const publicKey = isJsonObject(entry) ? String(entry['key']) : '';
  const method = request.method ?? '';
  const verified = verifyRequest(
    header.value,
    { method, uri, ...(content === undefined ? {} : { content }) },
    ourName,
    publicKey,
  );
  return verified.ok ? undefined : [401, 'Invalid signature'];
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
