import { escapeHtml } from '../../federation-tester/render-html-text.ts';
import type { PeerStatus } from '../status.ts';
import { sayRate, sayShare, type TrafficStep, type TrafficView } from '../view/traffic-view.ts';
import { percent, renderSection } from './render-parts.ts';

/** The height of the drawing, and of what is drawn for the smallest rate there is. */
const HEIGHT = 100;
const LEAST = 1;

export function renderTraffic(traffic: TrafficView): string {
  const { span, mean, most, failedShare, surfaces } = traffic;
  if (most === 0)
    return renderSection('traffic', 'Traffic', `<p class="faint">No request was over in the last ${span}.</p>\n`);
  const rows = surfaces.map(
    ({ surface, mean, failedShare }) =>
      `<tr><th scope="row">${escapeHtml(surface)}</th><td class="number">${sayRate(mean)}</td><td class="number">${sayShare(failedShare)}</td></tr>\n`,
  );
  const words = `Requests per second over the last ${span}: ${sayRate(mean)} on average, ${sayRate(most)} at most; ${sayShare(failedShare)} failed.`;
  return renderSection(
    'traffic',
    'Traffic',
    `<p class="ends"><span>requests per second</span><span>at most ${sayRate(most)}</span></p>
${renderSpark(traffic, words)}
<p class="ends"><span>${span} ago</span><span>now</span></p>
<p class="legend">${key('fine', 'answered')}${key('refused', 'refused (4xx) or left')}${key('failed', 'failed (5xx)')}</p>
<table><thead><tr><th scope="col">Surface</th><th scope="col" class="number">Per second</th><th scope="col" class="number">Failed</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>\n`,
  );
}

/** What failed stands on the ground, where it is seen best. */
function renderSpark({ steps, most }: TrafficView, words: string): string {
  const kinds = ['failed', 'refused', 'fine'] as const;
  const height = (rate: number): number => (rate === 0 ? 0 : Math.max(LEAST, Math.round((rate / most) * HEIGHT)));
  const paths = kinds.map((kind, nth) => {
    const bars = steps.map((step: TrafficStep, at) => {
      const below = kinds.slice(0, nth).reduce((sum, other) => sum + height(step[other]), 0);
      const tall = height(step[kind]);
      return tall === 0 ? '' : `M${at} ${HEIGHT - below}v-${tall}h1v${tall}z`;
    });
    const drawing = bars.join('');
    return drawing === '' ? '' : `<path class="${kind}" d="${drawing}"/>`;
  });
  return `<svg class="spark" viewBox="0 0 ${steps.length} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(words)}">${paths.join('')}</svg>`;
}

function key(kind: keyof TrafficStep, words: string): string {
  return `<span><svg class="key" viewBox="0 0 12 12" aria-hidden="true"><rect class="${kind}" width="12" height="12"/></svg>${words}</span>`;
}

export function renderPeers(peers: readonly PeerStatus[]): string {
  const all = peers.reduce((sum, { requests }) => sum + requests, 0);
  const rows = peers.map(({ origin, requests }) => {
    const share = `<svg class="share" aria-hidden="true"><rect width="100%" height="100%"/><rect class="part" width="${percent(requests / all)}" height="100%"/></svg>`;
    return `<tr><th scope="row">${escapeHtml(origin === 'other' ? 'all others' : origin)}</th><td class="number">${requests.toLocaleString('en')}</td><td>${share}</td></tr>\n`;
  });
  const body =
    rows.length === 0
      ? '<p class="faint">No other server was answered in the last minutes.</p>\n'
      : `<table><thead><tr><th scope="col">Server, as it names itself</th><th scope="col" class="number">In 5 minutes</th><th scope="col" class="short">Share</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>\n`;
  return renderSection('peers', 'Busiest servers', body);
}
