import { type DestinationStream, pino } from 'pino';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { createLineWriter } from './line-writer.ts';
import { describeForLog } from './log-error.ts';
import { formatForTerminal, type TerminalSlice } from './terminal-line.ts';

export interface LoggerSlice {
  readonly level: string;
  /** Given where somebody watches standard output: lines are for reading then. */
  readonly terminal?: TerminalSlice | undefined;
}

export interface LoggerDeps {
  readonly system: System;
}

/** The log of a process. */
export interface Logger extends Log {
  /** From now on. */
  setLevel(level: string): void;
}

const STANDARD_OUTPUT = 1;

/**
 * JSON lines on standard output, with an ISO time, the level's name and the fields in Matrix and HTTP terms; on a terminal, the
 * same for people. `always` is on every line.
 */
export function createLogger(
  slice: LoggerSlice,
  deps: LoggerDeps,
  always: Readonly<Record<string, unknown>> | null = null,
): Logger {
  // Not pino's own: at a full disk it throws where nobody catches, and waits for room at the end of the process.
  const writer = createLineWriter(STANDARD_OUTPUT, {
    system: deps.system,
    onLost: (lines, why) =>
      logger.warn({ lines }, `${countLines(lines)} of the log lost: standard output did not take more (${why}).`),
  });
  const { terminal } = slice;
  const output: DestinationStream =
    terminal === undefined ? writer : { write: (line) => writer.write(formatForTerminal(line, terminal)) };
  const logger = pino(
    {
      level: slice.level,
      base: always,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeForLog },
      formatters: { level: (label: string) => ({ level: label }) },
    },
    output,
  );
  return {
    debug: (fields, sentence) => logger.debug(fields, sentence),
    info: (fields, sentence) => logger.info(fields, sentence),
    warn: (fields, sentence) => logger.warn(fields, sentence),
    error: (fields, sentence) => logger.error(fields, sentence),
    setLevel(level) {
      logger.level = level;
    },
  };
}

function countLines(lines: number): string {
  return lines === 1 ? '1 line was' : `${lines} lines were`;
}
