import { type DestinationStream, pino } from 'pino';
import type { Log } from '../base/log.ts';

export interface LoggerSlice {
  readonly level: string;
}

/** JSON lines with an ISO time, the level's name and the fields in Matrix and HTTP terms. */
export function createLogger(slice: LoggerSlice, destination?: DestinationStream): Log {
  const options = {
    level: slice.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
