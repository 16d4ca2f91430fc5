import { type DestinationStream, pino } from 'pino';
import type { Log } from '../base/log.ts';

export interface LoggerSlice {
  readonly level: string;
}

/** The log of a process. */
export interface Logger extends Log {
  /** From now on. */
  setLevel(level: string): void;
}

/**
 * JSON lines with an ISO time, the level's name and the fields in Matrix and HTTP terms. `always` is on every line.
 */
export function createLogger(
  slice: LoggerSlice,
  always: Readonly<Record<string, unknown>> | null = null,
  destination?: DestinationStream,
): Logger {
  const options = {
    level: slice.level,
    base: always,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = destination === undefined ? pino(options) : pino(options, destination);
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
