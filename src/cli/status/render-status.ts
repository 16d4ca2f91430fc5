import type { StatusView, WarningView } from '../../admin/view/status-view.ts';
import { sayRate, sayShare } from '../../admin/view/traffic-view.ts';
import { createPaint } from '../demo/demo-text.ts';
import { drawSpark } from './draw-bars.ts';
import { layOut, type Row, wrap } from './lay-out.ts';
import { renderCertificate, renderServer } from './render-items.ts';
import { instant, MARKS, paintTone, type Terminal } from './terminal.ts';

export interface RenderOptions {
  readonly colour: boolean;
  /** Characters in a line; more than 120 are not used. */
  readonly columns: number;
}

const [NARROWEST, WIDEST] = [40, 120];

/** The status for a person at a terminal: the same facts as on the page. Parts that have nothing to say are left out. Pure. */
export function renderStatus(view: StatusView, { colour, columns }: RenderOptions): string {
  const to: Terminal = { paint: createPaint(colour), width: Math.min(WIDEST, Math.max(NARROWEST, columns)) };
  const { servers, certificates, warnings } = view;
  const parts: [title: string, blocks: readonly string[]][] = [
    ['Homeservers', servers.map((one) => renderServer(one, to))],
    ['Certificates', certificates.map((one) => renderCertificate(one, to))],
    ['Traffic', renderTraffic(view, to)],
    ['Busiest servers, requests in 5 minutes', layOut(listPeers(view), to.width)],
    ['Held and saved requests, since the start', layOut(listSaved(view), to.width)],
    ['Listeners', layOut(listListeners(view), to.width)],
    ['Processes', layOut(listProcesses(view), to.width)],
    ['Last warnings', warnings.map((one) => renderWarning(one, to))],
  ];
  const told = parts.filter(([, blocks]) => blocks.length > 0);
  return `${[
    renderVerdict(view, to),
    ...told.map(([title, blocks]) => `${to.paint.strong(title)}\n${blocks.join('\n')}`),
    to.paint.faint(wrap(`matrix-sidecar ${view.version}, up for ${view.uptime}, at ${instant(view.at)}`, to.width)),
  ].join('\n\n')}\n`;
}

function renderVerdict({ verdict: { level, headline, problems } }: StatusView, { paint, width }: Terminal): string {
  const first = paint.strong(paintTone(paint, level)(wrap(`${MARKS[level]} ${headline}`, width, 2)));
  const more = problems
    .slice(1)
    .map(({ level, what }) => paintTone(paint, level)(wrap(`${MARKS[level]} ${what}`, width, 2)));
  return [first, ...more].join('\n');
}

function renderTraffic({ traffic, inFlight }: StatusView, { paint, width }: Terminal): readonly string[] {
  const { span, now, mean, most, failedShare, steps, surfaces } = traffic;
  const under = `${inFlight.toLocaleString('en')} under way`;
  if (most === 0) return [wrap(`  No request was over in the last ${span}; ${under}.`, width, 2)];
  const rates = steps.map(({ fine, refused, failed }) => fine + refused + failed);
  const words = [
    `${sayRate(now)} requests per second now`,
    `${sayRate(mean)} on average in ${span}`,
    `${sayRate(most)} at most`,
    `${sayShare(failedShare)} failed`,
    under,
  ];
  const rows = surfaces.map(
    (one): Row => [one.surface, `${sayRate(one.mean)} per second`, `${sayShare(one.failedShare)} failed`],
  );
  return [
    `  ${drawSpark(rates, width - 2)}`,
    wrap(`  ${words.join(', ')}`, width, 2),
    ...layOut(rows, width).map(paint.faint),
  ];
}

function listPeers({ peers }: StatusView): readonly Row[] {
  return peers.map(({ origin, requests }) => [
    origin === 'other' ? 'all others' : origin,
    requests.toLocaleString('en'),
  ]);
}

function listSaved({ held, saved }: StatusView): readonly Row[] {
  return [{ what: 'wait now', count: held }, ...saved].map(({ what, count }) => [what, count.toLocaleString('en')]);
}

function listListeners({ listeners }: StatusView): readonly Row[] {
  return listeners.map(({ name, addresses, serves }) => [name, addresses.join(', ') || 'closed', serves]);
}

function listProcesses({ processes }: StatusView): readonly Row[] {
  return processes.map(({ slot, tone, word, uptime, restarts, pid }) => [
    `${MARKS[tone]} ${slot}`,
    `${word} for ${uptime}`,
    `pid ${pid ?? '–'}`,
    restarts === 0 ? '' : `replaced ${restarts === 1 ? 'once' : `${restarts} times`}`,
  ]);
}

function renderWarning({ tone, what, fix, code, last, times }: WarningView, { paint, width }: Terminal): string {
  const often = times === 1 ? '' : `, ${times} times`;
  const about = code === null ? '' : ` (${code})`;
  return [
    paintTone(paint, tone)(wrap(`  ${MARKS[tone]} ${what}`, width, 4)),
    ...(fix === undefined ? [] : [wrap(`    Fix: ${fix}`, width, 4)]),
    paint.faint(wrap(`    ${last.away}${often}${about}`, width, 4)),
  ].join('\n');
}
