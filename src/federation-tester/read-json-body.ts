/**
 * The JSON value in a body, as homeservers read it; undefined when it is not UTF-8, begins with a byte order mark, or is no
 * JSON. Never throws.
 */
export function readJsonBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}
