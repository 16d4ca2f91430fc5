import { tameLine } from './quote.ts';
import { renderReport, sayOutcome } from './render-html-report.ts';
import { STYLE } from './render-html-style.ts';
import { escapeHtml } from './render-html-text.ts';
import type { ReportView } from './render-view.ts';

/** What the page shows below its form. `serverName` as it was typed. */
export type PageContent =
  | { readonly kind: 'form' }
  /** The test takes its time: the page asks again by itself. */
  | { readonly kind: 'running'; readonly serverName: string }
  | { readonly kind: 'refused'; readonly serverName: string; readonly why: string }
  | { readonly kind: 'report'; readonly serverName: string; readonly view: ReportView };

/** Seconds until a browser asks again for a test that is under way. */
const REFRESH = 2;
const NAME = 'Federation tester';

export interface PageOptions {
  /** It stands beside the status page, and links to it. */
  readonly besideStatus?: boolean;
}

const NAVIGATION =
  '<nav aria-label="Pages"><a href="/">Status</a><a href="/federationtester" aria-current="page">Federation tester</a></nav>';

/** The whole page: no script, nothing from elsewhere. The style has to be allowed by `CONTENT_SECURITY_POLICY`. */
export function renderPage(content: PageContent, options: PageOptions = {}): string {
  const serverName = content.kind === 'form' ? '' : tameLine(content.serverName);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${content.kind === 'running' ? `<meta http-equiv="refresh" content="${REFRESH}">\n` : ''}<link rel="icon" href="data:,">
<title>${escapeHtml(titleOf(content))}</title>
<style>${STYLE}</style>
</head>
<body>
<header class="top"><h1>${NAME}</h1>${options.besideStatus === true ? `\n${NAVIGATION}` : ''}</header>
<main>
<form method="get" action="/federationtester">
<label for="server_name">Server name <span class="faint">what stands after the colon in @alice:example.com</span>
<input id="server_name" name="server_name" value="${escapeHtml(serverName)}" placeholder="example.com" required inputmode="url" autocapitalize="none" autocomplete="off" spellcheck="false"${content.kind === 'form' ? ' autofocus' : ''}></label>
<button>Test</button>
</form>
${renderContent(content)}
</main>
<footer class="faint">Finds out whether other Matrix servers can reach a server, and if not, why.
For programs: <code>/api/report?server_name=</code> and <code>/api/federation-ok?server_name=</code></footer>
</body>
</html>
`;
}

function titleOf(content: PageContent): string {
  switch (content.kind) {
    case 'form':
      return NAME;
    case 'running':
      return `Testing ${tameLine(content.serverName)} – ${NAME}`;
    case 'refused':
      return `Not tested: ${tameLine(content.serverName)} – ${NAME}`;
    case 'report':
      return `${sayOutcome(content.view.outcome)}: ${content.view.asked} – ${NAME}`;
  }
}

function renderContent(content: PageContent): string {
  switch (content.kind) {
    case 'form':
      return '';
    case 'running':
      return `<section aria-labelledby="result"><div class="verdict unknown"><span class="mark unknown" aria-hidden="true">…</span>
<div role="status"><p class="word">Testing</p><h2 id="result">${escapeHtml(tameLine(content.serverName))} is being tested.</h2></div></div>
<p class="next">This page looks again by itself every ${REFRESH} seconds. A test takes half a minute at most.</p></section>`;
    case 'refused':
      return `<section aria-labelledby="result"><div class="verdict unknown"><span class="mark unknown" aria-hidden="true">–</span>
<div><p class="word">Not tested</p><h2 id="result">${escapeHtml(content.why)}</h2></div></div></section>`;
    case 'report':
      return renderReport(
        content.view,
        `/api/report?server_name=${encodeURIComponent(content.serverName.toWellFormed())}`,
      );
  }
}
