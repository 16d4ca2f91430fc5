import type { Readable } from 'node:stream';

/** Bytes of a process's last output that are kept. */
export const MOST_WORDS = 4_096;

/** Passes on what a stream brings, and keeps the end of it: `read` gives it as text, without white space around it. */
export function keepLastWords(stream: Readable, passOn: (chunk: Buffer) => void): { read(): string } {
  let kept: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    passOn(chunk);
    kept = Buffer.concat([kept, chunk.subarray(-MOST_WORDS)]).subarray(-MOST_WORDS);
  });
  return { read: () => kept.toString('utf8').trim() };
}
