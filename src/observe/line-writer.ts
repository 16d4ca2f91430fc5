import { write, writeSync } from 'node:fs';
import { describeError, errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** Bytes of lines that may wait until they can be written; what is said beyond that is lost. */
const MOST_WAITING = 1024 * 1024;
/** Milliseconds until a slow reader is tried again, and a disk that takes nothing. */
const READER_DELAY = 20;
const DISK_DELAY = 250;
/** Milliseconds that the end of the process may wait for a slow reader. */
const LAST_CHANCE = 1_000;

const TOO_SLOW = 'its reader is too slow';
/** Nobody reads any more, and nobody can begin to. */
const CLOSED: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EBADF']);

export interface LineWriter {
  /** Never throws, and never waits for whoever reads. `line` ends with a line feed. */
  write(line: string): void;
}

export interface LineWriterDeps {
  readonly system: System;
  /** So many lines in a row were lost, and there is room again: a good moment to say so. `why` is a clause. */
  onLost(lines: number, why: string): void;
}

/**
 * Writes lines to a file descriptor that does not block (Node makes pipes so), in the order in which they come and each of
 * them whole. A full disk or a reader that is too slow costs lines and nothing else: neither memory, nor the time of others,
 * nor an error that would be one more line to be written. What was said before the process ends is written by then.
 */
export function createLineWriter(descriptor: number, deps: LineWriterDeps): LineWriter {
  const { system } = deps;
  let waiting: string[] = [];
  /** Of what waits and what is being written. */
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  let busy = false;
  let lost = 0;
  let why = TOO_SLOW;
  let closed = false;
  let watched = false;

  /** Whether anything is left to be written, the news of what was lost included. */
  function load(): boolean {
    if (rest.length > 0) return true;
    if (waiting.length === 0 && lost > 0) {
      const lines = lost;
      lost = 0;
      deps.onLost(lines, why);
    }
    rest = Buffer.from(waiting.join(''));
    waiting = [];
    return rest.length > 0;
  }

  function took(count: number): void {
    rest = rest.subarray(count);
    bytes -= count;
  }

  function failed(error: unknown): void {
    const code = errorCode(error);
    why = code === 'EAGAIN' ? TOO_SLOW : describeError(error);
    if (!CLOSED.has(code)) return;
    closed = true;
    waiting = [];
    rest = Buffer.alloc(0);
  }

  function writeAll(): void {
    // Before the news of what was lost comes in through `write`.
    busy = true;
    if (closed || !load()) {
      busy = false;
      return;
    }
    write(descriptor, rest, (error, count) => {
      if (error === null) {
        took(count);
        return writeAll();
      }
      failed(error);
      system.setTimer(error.code === 'EAGAIN' ? READER_DELAY : DISK_DELAY, writeAll);
    });
  }

  /** At the end of the process, when nothing else is left to be done. No write is under way: it would keep the process. */
  function writeLast(): void {
    busy = true;
    const until = system.monotonic() + LAST_CHANCE;
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    while (!closed && load()) {
      try {
        took(writeSync(descriptor, rest));
      } catch (error) {
        failed(error);
        if (errorCode(error) !== 'EAGAIN' || system.monotonic() > until) return;
        Atomics.wait(sleeper, 0, 0, READER_DELAY);
      }
    }
  }

  return {
    write(line) {
      if (closed) return;
      if (!watched) process.once('exit', writeLast);
      watched = true;
      const size = Buffer.byteLength(line);
      // After the first that is lost, all are until those before it are written: the gap is in one place.
      if (lost > 0 || bytes + size > MOST_WAITING) {
        lost++;
      } else {
        waiting.push(line);
        bytes += size;
      }
      if (!busy) writeAll();
    },
  };
}
