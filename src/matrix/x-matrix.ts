import { bad, good, type Parsed } from '../base/parsed.ts';
import { decodeBase64 } from './base64.ts';
import type { JsonObject } from './json.ts';
import { parseServerName, type ServerName } from './server-name.ts';
import { computeSignature, isEd25519KeyId, type SigningKey, verifySignedJson } from './signing.ts';

/** The parts of a federation request that its signature covers (server-server API, "Request Authentication"). */
export interface SignableRequest {
  readonly method: string;
  /** The request target's bytes from `/_matrix` on, query included. */
  readonly uri: string;
  /** The sender's name before any delegation. */
  readonly origin: string;
  /** The receiver's name before any delegation. */
  readonly destination: string;
  /** The parsed JSON body; absent when the request has none. */
  readonly content?: unknown;
}

/** What an `Authorization: X-Matrix` header says. */
export interface XMatrix {
  readonly origin: ServerName;
  /** Absent in requests of servers older than version 1.3 of the specification. */
  readonly destination: ServerName | undefined;
  readonly key: string;
  readonly sig: string;
}

// Names have at most 261 characters and a signature 86; this leaves room for parameters that are not known yet.
const MAX_HEADER = 4096;
const MAX_PARAMETERS = 32;

// One parameter and what separates it from the next: token BWS "=" BWS ( token / quoted-string ) (RFC 9110, 11.2).
// Unquoted values may hold whatever cannot end them: older servers send colons and Base64 without quotes.
// No two neighbouring parts can match the same blanks, so that a long run of them costs one pass.
const PARAMETER =
  /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#-+\--[\]-~]+))[ \t]*)?(?:,|$)/sy;

/** Signs a request and returns the value of its Authorization header, in the form that the specification prescribes. */
export function signRequest(request: SignableRequest, key: SigningKey): string {
  const { origin, destination } = request;
  const signature = computeSignature(signableObject(request), key.privateKey);
  // One space, lower-case names, no space round the commas: what the strictest readers accept.
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`;
}

/** Reads an Authorization header's value. Bounded and total: any text gives a value or a reason. */
export function parseXMatrix(header: string): Parsed<XMatrix> {
  if (header.length > MAX_HEADER) return bad(`the X-Matrix header is longer than ${MAX_HEADER} characters`);
  const scheme = /^X-Matrix +/i.exec(header);
  if (scheme === null) return bad('the Authorization header does not begin with X-Matrix and a space');
  const parameters = parseParameters(header.slice(scheme[0].length));
  if (!parameters.ok) return parameters;
  const { value } = parameters;
  const origin = parseServerName(value.get('origin') ?? '');
  if (!origin.ok) return bad(`the X-Matrix header's origin is missing or no server name`);
  const written = value.get('destination');
  const destination = written === undefined ? undefined : parseServerName(written);
  if (destination?.ok === false) return bad(`the X-Matrix header's destination is no server name`);
  const key = value.get('key') ?? '';
  if (!isEd25519KeyId(key)) return bad(`the X-Matrix header's key is missing or no ed25519 key id`);
  const sig = value.get('sig') ?? '';
  if (sig === '' || !decodeBase64(sig).ok) return bad(`the X-Matrix header's sig is missing or not Base64`);
  return good({ origin: origin.value, destination: destination?.value, key, sig });
}

function parseParameters(text: string): Parsed<ReadonlyMap<string, string>> {
  const parameters = new Map<string, string>();
  const pattern = new RegExp(PARAMETER);
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return bad('the X-Matrix header is not a list of name=value');
    const [, written, quoted, plain] = match;
    // An empty element between two commas means nothing (RFC 9110, 5.6.1).
    if (written === undefined) continue;
    const name = written.toLowerCase();
    if (parameters.has(name)) return bad(`the X-Matrix header has ${name} twice`);
    if (parameters.size >= MAX_PARAMETERS) return bad(`the X-Matrix header has over ${MAX_PARAMETERS} parameters`);
    parameters.set(name, quoted === undefined ? plain! : quoted.replace(/\\(.)/gs, '$1'));
  }
  return good(parameters);
}

/**
 * Checks a request against the header that came with it: meant for `ourName`, and signed with the origin's key
 * (unpadded Base64). `content` is the parsed body, left out when there was none. Never throws.
 */
export function verifyRequest(
  header: XMatrix,
  request: Pick<SignableRequest, 'method' | 'uri' | 'content'>,
  ourName: string,
  publicKeyBase64: string,
): Parsed<JsonObject> {
  if (header.destination !== undefined && header.destination.text !== ourName) {
    return bad(`the request is meant for ${header.destination.text}, and this is ${ourName}`);
  }
  const origin = header.origin.text;
  // The destination is signed even by those who leave it out of the header.
  const signed = signableObject({ ...request, origin, destination: ourName });
  const signatures = { [origin]: { [header.key]: header.sig } };
  return verifySignedJson({ ...signed, signatures }, origin, header.key, publicKeyBase64);
}

function signableObject(request: SignableRequest): JsonObject {
  const { method, uri, origin, destination, content } = request;
  return { method, uri, origin, destination, ...(content === undefined ? {} : { content }) };
}
