import { setFlagsFromString } from 'node:v8';

/** Counts the memory of buffers among all else when V8 decides whether to collect garbage. Node 24 and 26 have it. */
export const BUFFERS_COUNT_AS_MEMORY = '--external-memory-accounted-in-global-limit';

/**
 * For a process that passes on data. Without this, V8 marks its whole heap for each 32 to 64 MB of buffers that were read,
 * whether they are still there or not, which takes two fifths of the processor time of a download; see
 * docs/performance.md.
 */
export function tuneMemory(): void {
  setFlagsFromString(BUFFERS_COUNT_AS_MEMORY);
}
