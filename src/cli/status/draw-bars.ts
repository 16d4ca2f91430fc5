import type { Timeline } from '../../admin/view/certificate-view.ts';

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Rates as a row of blocks, as high as the highest is; at most `width` characters. Pure. */
export function drawSpark(rates: readonly number[], width: number): string {
  const each = Math.ceil(rates.length / Math.max(1, width));
  const groups = Array.from({ length: Math.ceil(rates.length / each) }, (_, index) => {
    const group = rates.slice(index * each, (index + 1) * each);
    return group.reduce((sum, one) => sum + one, 0) / group.length;
  });
  const most = Math.max(...groups, 0);
  // Whatever there was at all is seen.
  return groups.map((rate) => BLOCKS[rate === 0 ? 0 : Math.max(1, Math.round((rate / most) * 8))]).join('');
}

/** What is over of a lifetime, now (|), and the next attempt (o). Pure. */
export function drawTimeline({ now, next }: Timeline, width: number): string {
  const place = (share: number): number => Math.min(width - 1, Math.floor(share * width));
  return Array.from({ length: width }, (_, at) => {
    if (at === place(now)) return '|';
    if (next !== undefined && at === place(next)) return 'o';
    return at < place(now) ? '━' : '─';
  }).join('');
}
