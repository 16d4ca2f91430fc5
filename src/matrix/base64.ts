import { bad, good, type Parsed } from '../base/parsed.ts';

// The standard alphabet, padded or not. Buffer.from alone would also take the URL alphabet and skip over junk.
// The last character's unused bits are not checked: the seed in the specification's own test vectors has one set.
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/** Unpadded Base64 in the standard alphabet (Matrix appendices, "Unpadded Base64"). */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64').replace(/=+$/, '');
}

/** Reads Base64 with or without padding, as the specification asks of readers; anything else is refused. */
export function decodeBase64(text: string): Parsed<Buffer> {
  return BASE64.test(text) ? good(Buffer.from(text, 'base64')) : bad('not Base64 in the standard alphabet');
}
