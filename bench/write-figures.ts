import type { Unit } from './result.ts';

const UNITS: Readonly<Record<Unit, string>> = {
  'µs/request': 'µs',
  'µs/MB': 'µs/MB',
  'bytes/connection': 'kB',
  times: '×',
  ms: 'ms',
  MB: 'MB',
  'speed-up': '×',
};

/** What a row's figure is, in words for the head of its lines. */
export const MEANINGS: Readonly<Record<Unit, string>> = {
  'µs/request': 'CPU µs per request',
  'µs/MB': 'CPU µs per MB',
  'bytes/connection': 'memory of each',
  times: 'CPU per request, to none open',
  ms: 'time',
  MB: 'memory',
  'speed-up': 'requests, to one process',
};

/** A figure of a row with its unit: `48.2 µs`, `31.5 kB`. */
export function writeFigure(figure: number, unit: Unit): string {
  const value = unit === 'bytes/connection' ? figure / 1000 : figure;
  const number = unit === 'times' || unit === 'speed-up' ? value.toFixed(2) : writeNumber(value);
  return UNITS[unit] === '×' ? `${number} ×` : `${number} ${UNITS[unit]}`;
}

/** Three digits, all that are before the point: 9.87, 48.2, 1,234. */
export function writeNumber(value: number): string {
  const digits = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
