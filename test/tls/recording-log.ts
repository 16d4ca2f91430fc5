import type { Log } from '../../src/base/log.ts';

/** A log that keeps what was written: `level sentence`. */
export interface RecordingLog extends Log {
  readonly lines: string[];
  at(level: 'debug' | 'info' | 'warn' | 'error'): string[];
}

export function createRecordingLog(): RecordingLog {
  const lines: string[] = [];
  const method = (level: string) => (_: object, sentence: string) => void lines.push(`${level} ${sentence}`);
  return {
    lines,
    at: (level) => lines.filter((line) => line.startsWith(`${level} `)),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
  };
}
