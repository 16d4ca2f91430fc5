import { badAnswer } from './wire-error.ts';

/** Bytes of the line before a chunk, extensions included. */
const MOST_LINE = 4 * 1024;

const [TAB, LF, CR, SPACE, SEMICOLON, DEL] = [0x09, 0x0a, 0x0d, 0x20, 0x3b, 0x7f];

/** Where in the line the next byte stands. */
type Place = 'digits' | 'blank' | 'extension' | 'line feed';

/**
 * Reads the line before each chunk: its size, and extensions that nobody needs (RFC 9112 section 7.1). Incremental, as the line
 * may arrive in pieces.
 */
export class ChunkSizeReader {
  size = 0;
  /** The line is whole, and `size` is the chunk's. */
  done = false;
  #place: Place = 'digits';
  #bytes = 0;
  #digits = 0;

  /** For the next line. */
  begin(): void {
    this.size = 0;
    this.done = false;
    this.#place = 'digits';
    this.#bytes = 0;
    this.#digits = 0;
  }

  /** Takes bytes from `at` on, and gives where the next begins that is not its own. Throws a WireError. */
  push(chunk: Buffer, at: number): number {
    let next = at;
    while (next < chunk.length && !this.done) this.#take(chunk[next++]!);
    return next;
  }

  #take(byte: number): void {
    if (++this.#bytes > MOST_LINE) throw badAnswer('the extensions of a chunk are too long');
    if (this.#place === 'line feed') {
      if (byte !== LF) throw badAnswer('the line of a chunk has a bare CR');
      this.done = true;
    } else if (this.#place === 'digits') this.#takeDigit(byte);
    else if (this.#place === 'blank' && byte !== SEMICOLON) {
      // Space is legal before an extension alone.
      if (byte !== SPACE && byte !== TAB) throw badAnswer('the size of a chunk is malformed');
    } else if (byte === CR) this.#place = 'line feed';
    else if ((byte < SPACE && byte !== TAB) || byte === DEL) throw badAnswer('the extension of a chunk is malformed');
    else this.#place = 'extension';
  }

  #takeDigit(byte: number): void {
    const digit = readHexDigit(byte);
    if (digit !== -1) {
      this.size = this.size * 16 + digit;
      if (++this.#digits > 16 || this.size > Number.MAX_SAFE_INTEGER)
        throw badAnswer('the size of a chunk is too large');
      return;
    }
    if (this.#digits === 0) throw badAnswer('a chunk has no size');
    if (byte === CR) this.#place = 'line feed';
    else if (byte === SEMICOLON) this.#place = 'extension';
    else if (byte === SPACE || byte === TAB) this.#place = 'blank';
    else throw badAnswer('the size of a chunk is malformed');
  }
}

function readHexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
