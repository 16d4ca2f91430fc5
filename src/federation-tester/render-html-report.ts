import { escapeHtml } from './render-html-text.ts';
import type { Outcome, PlaceView, ReportView } from './render-view.ts';
import type { Finding } from './verdict.ts';

interface Look {
  /** A class of the style sheet. */
  readonly tone: 'good' | 'bad' | 'warn' | 'unknown';
  readonly mark: string;
  readonly word: string;
}

/** Told by word and shape as well as by colour. */
const OUTCOMES: Readonly<Record<Outcome, Look>> = {
  good: { tone: 'good', mark: '✓', word: 'Works' },
  warned: { tone: 'warn', mark: '!', word: 'Works, with a warning' },
  bad: { tone: 'bad', mark: '✗', word: 'Does not work' },
  unknown: { tone: 'unknown', mark: '?', word: 'Not found out' },
};
const PLACES: Readonly<Record<PlaceView['state'], Look>> = {
  good: { tone: 'good', mark: '✓', word: 'in order' },
  bad: { tone: 'bad', mark: '✗', word: 'not in order' },
  skipped: { tone: 'unknown', mark: '–', word: 'not tested' },
};
const SEVERITIES: Readonly<Record<Finding['severity'], Look>> = {
  error: { tone: 'bad', mark: '✗', word: 'Error' },
  warning: { tone: 'warn', mark: '!', word: 'Warning' },
  info: { tone: 'unknown', mark: 'i', word: 'Good to know' },
};

/** In two words, for the title of the page. */
export function sayOutcome(outcome: Outcome): string {
  return OUTCOMES[outcome].word;
}

/** One report as a part of a page. `json`: where the same is as JSON. */
export function renderReport(view: ReportView, json: string): string {
  const { tone, mark, word } = OUTCOMES[view.outcome];
  return `<section aria-labelledby="result">
<div class="verdict ${tone}"><span class="mark ${tone}" aria-hidden="true">${mark}</span>
<div><p class="word">${word}</p><h2 id="result">${escapeHtml(view.firstLine)}</h2></div></div>
<p class="next">${escapeHtml(view.lastLine)}</p>
${renderFindings(view)}${renderWay(view)}${renderRest(view)}
<p><a href="${escapeHtml(json)}">This report as JSON</a></p>
</section>`;
}

function renderFindings({ findings, explains }: ReportView): string {
  if (findings.length === 0) return '';
  const why = explains.length === 0 ? '' : `<p>This is why ${escapeHtml(explains.join(', and why '))}.</p>\n`;
  return `<h3>What was found</h3>\n${findings.map(renderFinding).join('')}${why}`;
}

function renderFinding({ id, severity, title, evidence, fix, lines }: Finding): string {
  const { tone, word } = SEVERITIES[severity];
  const seen = evidence.map((one) => `<li>${escapeHtml(one)}</li>`).join('');
  const code = lines.map(escapeHtml).join('\n');
  return `<article class="finding">
<h4><span class="badge ${tone}">${word}</span> ${escapeHtml(title)}</h4>
<ul>${seen}</ul>
<p><strong>Fix:</strong> ${escapeHtml(fix)}</p>
${code === '' ? '' : `<pre>${code}</pre>\n`}<p class="faint"><code>${id}</code></p>
</article>\n`;
}

function renderWay({ steps, places, asked }: ReportView): string {
  if (steps.length === 0) return '';
  const way = steps.map(
    ({ step, what }) => `<li><p class="faint"><span class="place">${step}</span></p><p>${escapeHtml(what)}</p></li>`,
  );
  return `<h3>How other servers find ${escapeHtml(asked)}</h3>
<p class="faint">Steps as the Matrix specification numbers them.</p>
<ol class="steps">${way.join('')}</ol>
${places.length === 0 ? '' : `<h3>Where they arrive</h3>\n<ul class="places">${places.map(renderPlace).join('')}</ul>\n`}`;
}

function renderPlace({ place, host, state, seen }: PlaceView): string {
  const { tone, mark, word } = PLACES[state];
  const name = place.startsWith(host) ? '' : ` <span class="faint">(${escapeHtml(host)})</span>`;
  return `<li><span class="mark small ${tone}" aria-hidden="true">${mark}</span>
<div><p><span class="place">${escapeHtml(place)}</span>${name}: <strong>${word}</strong></p>
<p class="faint">${escapeHtml(seen.join(' · '))}</p></div></li>`;
}

function renderRest({ notTested, differs, signedBy, took }: ReportView): string {
  const all = [
    ...(signedBy === undefined ? [] : [`Requests were signed in the name of ${signedBy}.`]),
    ...notTested.map(({ what, why }) => `Not tested: ${what}, since ${why}.`),
    ...(differs === undefined ? [] : [`The public federation tester says otherwise: ${differs}.`]),
    `The test took ${took}.`,
  ];
  return `<h3>About this test</h3>\n${all.map((text) => `<p class="faint">${escapeHtml(text)}</p>`).join('\n')}`;
}
