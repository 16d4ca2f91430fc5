import { escapeHtml } from '../../federation-tester/render-html-text.ts';
import type { CertificateView, Timeline } from '../view/certificate-view.ts';
import { percent, renderBadge, renderDay, renderMoment, renderSection, writeInstant } from './render-parts.ts';

/** Names that are shown at once. */
const SHOWN = 4;

export function renderCertificates(certificates: readonly CertificateView[]): string {
  const key = (mark: string, words: string): string =>
    `<span><svg class="key" viewBox="0 0 12 12" aria-hidden="true">${mark}</svg>${words}</span>`;
  const legend = `<p class="legend">${[
    key('<rect class="now" x="4" width="3" height="12"/>', 'now'),
    key('<circle class="next" cx="6" cy="6" r="5"/>', 'next renewal or attempt'),
    key('<rect class="soon" width="12" height="12"/>', 'last sixth of the lifetime: it should have been renewed'),
  ].join('')}</p>\n`;
  const drawn = certificates.some(({ timeline }) => timeline !== undefined);
  return renderSection(
    'certificates',
    'Certificates',
    `${certificates.map(renderCertificate).join('')}${drawn ? legend : ''}`,
  );
}

function renderCertificate(certificate: CertificateView): string {
  const { issuer, left, issued, expires, timeline, next, last, obstacle } = certificate;
  const facts: [what: string, html: string][] = [['Signed by', escapeHtml(issuer)]];
  if (obstacle !== undefined) facts.push(['In the way', escapeHtml(obstacle)]);
  if (next !== undefined) {
    const when =
      next.when === undefined
        ? ''
        : `${renderMoment(next.when)} <span class="faint">(${writeInstant(next.when.at)}):</span> `;
    facts.push(['Next', `${when}${escapeHtml(next.why)}`]);
  }
  // What failed is what stands in the way; once is enough.
  if (last !== undefined) {
    const what = last.what === obstacle ? '' : `: ${escapeHtml(last.what)}`;
    facts.push(['Last attempt', `${renderBadge(last.word)} ${renderMoment(last.when)}${what}`]);
  }
  return `<article class="card"><h4>${renderNames(certificate)} ${renderBadge(certificate)} <span class="end">${escapeHtml(left)}</span></h4>
${timeline === undefined ? '' : `<div>${renderTimeline(timeline, certificate)}<p class="ends"><span>issued ${renderDay(issued)}</span><span>expires ${renderDay(expires)}</span></p></div>\n`}<dl class="facts">${facts
    .map(([what, html]) => `<dt>${what}</dt><dd>${html}</dd>`)
    .join('')}</dl></article>\n`;
}

function renderNames({ names }: CertificateView): string {
  const [shown, more] = [names.slice(0, SHOWN), names.slice(SHOWN)].map((some) => some.map(escapeHtml).join(', '));
  if (more === '') return `<span>${shown}</span>`;
  return `<span>${shown}</span><details><summary class="small">and ${names.length - SHOWN} more</summary><span class="small">${more}</span></details>`;
}

function renderTimeline(
  { now, next, soon, verySoon }: Timeline,
  { issued, expires, next: ahead }: CertificateView,
): string {
  const when = ahead?.when === undefined ? '' : `; next renewal or attempt ${ahead.when.away}`;
  const words = `Issued ${issued.away}, expires ${expires.away}; ${percent(now)} of the lifetime is over${when}.`;
  const bar = (kind: string, from: number, to: number): string =>
    `<rect class="${kind}" x="${percent(from)}" y="4" width="${percent(to - from)}" height="8"/>`;
  return `<svg class="timeline" role="img" aria-label="${escapeHtml(words)}">
${bar('track', 0, soon)}${bar('soon', soon, verySoon)}${bar('very-soon', verySoon, 1)}${bar('gone', 0, now)}${next === undefined ? '' : `<circle class="next" cx="${percent(next)}" cy="8" r="6"/>`}<rect class="now" x="${percent(now)}" y="0" width="3" height="16"/></svg>`;
}
