import type { Tone } from '../../admin/view/tone.ts';
import type { Paint } from '../demo/demo-text.ts';

/** Where something is shown. */
export interface Terminal {
  readonly paint: Paint;
  /** Characters. */
  readonly width: number;
}

/** Told by shape as well as by colour. */
export const MARKS: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✗', unknown: '–' };

export function paintTone(paint: Paint, tone: Tone): (text: string) => string {
  return { good: paint.good, warn: paint.strong, bad: paint.bad, unknown: paint.faint }[tone];
}

/** `2026-11-23 14:05 UTC` */
export function instant(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`;
}
