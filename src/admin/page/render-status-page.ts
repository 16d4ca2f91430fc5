import { createHash } from 'node:crypto';
import { escapeHtml } from '../../federation-tester/render-html-text.ts';
import type { Status } from '../status.ts';
import { type StatusView, viewStatus } from '../view/status-view.ts';
import type { Tone } from '../view/tone.ts';
import { sayRate, sayShare } from '../view/traffic-view.ts';
import { renderCertificates } from './render-certificates.ts';
import { renderListeners, renderProcesses, renderSaved, renderWarnings } from './render-lists.ts';
import { renderServers } from './render-servers.ts';
import { renderPeers, renderTraffic } from './render-traffic.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

const NAME = 'matrix-sidecar';
/** Seconds after which a browser without JavaScript loads the page again. */
const REFRESH = 10;

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The Content-Security-Policy of the page: its style sheet, its script, which fetches the page itself, and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src ${hash(STYLE)}`,
  `script-src ${hash(SCRIPT)}`,
  "connect-src 'self'",
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Told by word and shape as well as by colour. */
const VERDICTS: Readonly<Record<Exclude<Tone, 'unknown'>, { readonly mark: string; readonly word: string }>> = {
  good: { mark: '✓', word: 'In order' },
  warn: { mark: '!', word: 'Needs a look' },
  bad: { mark: '✗', word: 'Trouble' },
};

/** The whole page. Pure: the same snapshot gives the same page. */
export function renderStatusPage(status: Status): string {
  const view = viewStatus(status);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="generator" content="${escapeHtml(`${NAME} ${view.version}`)}">
<noscript><meta http-equiv="refresh" content="${REFRESH}"></noscript>
<link rel="icon" href="data:,">
<title>${escapeHtml(`${VERDICTS[view.verdict.level].word} – ${NAME}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#status">Skip to the status</a>
<header class="top"><h1>${NAME}</h1>
<nav aria-label="Pages"><a href="/" aria-current="page">Status</a><a href="/federationtester">Federation tester</a><a href="/api/status">JSON</a><a href="/metrics">Metrics</a><a href="/readyz">Readiness</a><a href="/healthz">Health</a></nav></header>
<main id="status">
<p id="stale" class="unknown" role="alert" hidden></p>
${renderVerdict(view)}${renderFigures(view)}<div class="columns"><div>
${renderServers(view.servers)}${renderCertificates(view.certificates)}${renderWarnings(view.warnings)}${renderListeners(view.listeners)}</div><div>
${renderTraffic(view.traffic)}${renderPeers(view.peers)}${renderSaved(view.held, view.saved)}${renderProcesses(view.processes)}</div></div>
<p class="faint small">As of <time datetime="${escapeHtml(view.at)}">${escapeHtml(view.at.slice(0, 19).replace('T', ' '))} UTC</time>; kept up to date every ${REFRESH} seconds.</p>
</main>
<footer class="faint">${escapeHtml(`${NAME} ${view.version}`)}, up for ${escapeHtml(view.uptime)}. In a terminal: <code>matrix-sidecar status</code>; everything checked anew: <code>matrix-sidecar doctor</code>.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function renderVerdict({ verdict: { level, headline, problems } }: StatusView): string {
  const { mark, word } = VERDICTS[level];
  const more = problems.slice(1).map(({ what }) => `<li>${escapeHtml(what)}</li>`);
  const list = more.length === 0 ? '' : `<ul>${more.join('')}</ul>`;
  return `<div class="verdict ${level}"><span class="mark ${level}" aria-hidden="true">${mark}</span>
<div role="status"><p class="word">${word}</p><h2>${escapeHtml(headline)}</h2>${list}</div></div>\n`;
}

function renderFigures({ traffic, held, inFlight, certificates, uptime }: StatusView): string {
  const first = [...certificates].sort((a, b) => (a.expires.at < b.expires.at ? -1 : 1))[0];
  const figures: [what: string, html: string][] = [
    ['Requests per second', sayRate(traffic.now)],
    [`Failed in ${traffic.span}`, sayShare(traffic.failedShare)],
    ['Requests under way', inFlight.toLocaleString('en')],
    ['Requests held', held.toLocaleString('en')],
    ['First certificate', first === undefined ? 'none' : renderLength(first.left)],
    ['Up for', renderLength(uptime)],
  ];
  const cells = figures.map(([what, html]) => `<div><dt>${what}</dt><dd>${html}</dd></div>`);
  return `<dl class="figures">${cells.join('')}</dl>\n`;
}

/** The number large, the rest small. */
function renderLength(text: string): string {
  const [number = '', ...words] = text.split(' ');
  return /^\d+$/.test(number)
    ? `${number} <small>${escapeHtml(words.join(' '))}</small>`
    : `<small>${escapeHtml(text)}</small>`;
}
