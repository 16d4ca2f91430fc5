import { PEERS, TITLES } from './peers/peer.ts';
import type { BenchResult, RowResult } from './result.ts';
import { ratioBetween } from './targets.ts';

const CHARTED = [
  'small-get-h1',
  'small-get-h2',
  'send-1k',
  'send-50k',
  'handshake-full',
  'well-known',
  'download-100m',
  'day',
];
const NAMES = ['sidecar', ...PEERS] as const;
/** Told apart by lightness too, and readable on white and on black. */
const COLOURS: Readonly<Record<(typeof NAMES)[number], string>> = {
  sidecar: '#0b8a5f',
  nginx: '#7f8fa3',
  haproxy: '#5a78c8',
  caddy: '#c98a2b',
};

const WIDTH = 760;
const LEFT = 270;
const RIGHT = 70;
const TOP = 56;
const BAR = 11;
const GAP = 14;

/** A chart as SVG: CPU time of each row as times of nginx's, less is better. Rows without nginx are left out. */
export function renderChart(result: BenchResult): string {
  const rows = CHARTED.flatMap((name) => result.rows.filter((row) => row.name === name)).filter(
    (row) => ratioBetween(row, 'sidecar', 'nginx') !== undefined,
  );
  const bars = rows.map((row) => barsOf(row));
  const most = Math.max(2, ...bars.flat().map((bar) => bar.times));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const block = NAMES.length * BAR + GAP;
  const height = TOP + rows.length * block + 8;
  const body = rows.flatMap((row, index) => {
    const top = TOP + index * block;
    const lines = bars[index]!.map(({ name, times }, place) => {
      const y = top + place * BAR;
      const width = (times * scale).toFixed(1);
      return `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" fill="${COLOURS[name]}"/><text class="n" x="${(LEFT + times * scale + 5).toFixed(1)}" y="${y + BAR - 3}">${times.toFixed(2)}</text>`;
    });
    return [
      `<text x="${LEFT - 10}" y="${top + 2 * BAR + 3}" text-anchor="end">${escapeText(row.title)}</text>`,
      ...lines,
    ];
  });
  const one = (LEFT + scale).toFixed(1);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU time per request, as times of nginx's">`,
    '<style>text{font:13px system-ui,sans-serif;fill:#6e7781}.n{font-size:10px}.t{font-weight:600}</style>',
    `<text class="t" x="10" y="20">CPU time of the proxy, as times of nginx’s: less is better</text>`,
    ...NAMES.map((name, index) => {
      const x = 10 + index * 130;
      return `<rect x="${x}" y="32" width="10" height="10" fill="${COLOURS[name]}"/><text x="${x + 15}" y="42">${TITLES[name]}</text>`;
    }),
    ...body,
    `<line x1="${one}" y1="${TOP - 4}" x2="${one}" y2="${height - 8}" stroke="#7f8fa3" stroke-dasharray="3 3"/>`,
    '</svg>',
  ].join('\n')}\n`;
}

/** Each contender's figure, as times of nginx's. */
function barsOf(row: RowResult): { name: (typeof NAMES)[number]; times: number }[] {
  return NAMES.flatMap((name) => {
    const times = ratioBetween(row, name, 'nginx');
    return times === undefined ? [] : [{ name, times }];
  });
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
