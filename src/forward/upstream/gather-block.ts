import { badAnswer } from './wire-error.ts';

/** Bytes of a head, or of trailers, at most. */
export const MOST_HEAD = 64 * 1024;

const END = '\r\n\r\n';

/** Gathers a block of header lines that arrives in pieces, up to the empty line that ends it. */
export class BlockGatherer {
  #bytes = Buffer.allocUnsafe(0);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** What has come so far, or its beginning. */
  peek(bytes: number): string {
    return this.#bytes.toString('latin1', 0, Math.min(this.#length, bytes));
  }

  /**
   * Takes from `chunk` what belongs to the block, from `at` on. Gives where the rest begins once the block is whole, and -1
   * before. Throws a WireError when it gets too long. Each byte is copied once or twice, however small the pieces are.
   */
  add(chunk: Buffer, at: number): number {
    const before = this.#length;
    const piece = Math.min(chunk.length - at, MOST_HEAD + END.length - before);
    this.#reserve(before + piece);
    chunk.copy(this.#bytes, before, at, at + piece);
    const end = this.#bytes.subarray(0, before + piece).indexOf(END, Math.max(0, before - END.length + 1), 'latin1');
    if (end === -1) {
      this.#length = before + piece;
      if (this.#length >= MOST_HEAD + END.length) throw tooLong();
      return -1;
    }
    this.#length = end;
    return at + end + END.length - before;
  }

  /** The whole block without the empty line; the gatherer is empty again. */
  take(): string {
    const text = this.#bytes.toString('latin1', 0, this.#length);
    this.clear();
    return text;
  }

  clear(): void {
    this.#length = 0;
    this.#bytes = Buffer.allocUnsafe(0);
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length, 512));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** The header or the trailers are longer than anybody needs. */
export function tooLong(): Error {
  return badAnswer(`its header is longer than ${MOST_HEAD} bytes`);
}
