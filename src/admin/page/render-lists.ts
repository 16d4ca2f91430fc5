import { escapeHtml } from '../../federation-tester/render-html-text.ts';
import type { Count, ListenerView, ProcessView, WarningView } from '../view/status-view.ts';
import { renderBadge, renderMoment, renderSection } from './render-parts.ts';

export function renderSaved(held: number, saved: readonly Count[]): string {
  const rows = [{ what: 'wait now', count: held }, ...saved].map(
    ({ what, count }) =>
      `<tr><th scope="row">${escapeHtml(what)}</th><td class="number">${count.toLocaleString('en')}</td></tr>\n`,
  );
  return renderSection(
    'saved',
    'Held and saved requests',
    `<table><thead><tr><th scope="col">Since the start</th><th scope="col" class="number">Requests</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>\n`,
  );
}

export function renderListeners(listeners: readonly ListenerView[]): string {
  const rows = listeners.map(({ name, addresses, serves }) => {
    const at = addresses.map((address) => `<code>${escapeHtml(address)}</code>`).join(' ');
    return `<tr><th scope="row">${name}</th><td><div class="pair"><span>${at === '' ? '<span class="faint">closed</span>' : at}</span><span class="faint">${serves}</span></div></td></tr>\n`;
  });
  return renderSection(
    'listeners',
    'Listeners',
    `<table><thead><tr><th scope="col" class="short">Listener</th><th scope="col">Addresses, and what is served there</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>\n`,
  );
}

export function renderProcesses(processes: readonly ProcessView[]): string {
  if (processes.length === 0) return '';
  const rows = processes.map((process) => {
    const { slot, pid, uptime, restarts } = process;
    const again = restarts === 0 ? '' : `, replaced ${restarts === 1 ? 'once' : `${restarts} times`}`;
    return `<tr><th scope="row">${slot}</th><td>${renderBadge(process)} <span class="faint small">for ${uptime}${again}</span></td><td class="number">${pid ?? '–'}</td></tr>\n`;
  });
  return renderSection(
    'processes',
    'Processes',
    `<table><thead><tr><th scope="col" class="short">Process</th><th scope="col">State</th><th scope="col" class="number">PID</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>\n`,
  );
}

export function renderWarnings(warnings: readonly WarningView[]): string {
  const items = warnings.map((warning) => {
    const { code, what, fix, last, times } = warning;
    const often = times === 1 ? '' : `, ${times} times`;
    const about = code === null ? '' : ` · <code>${escapeHtml(code)}</code>`;
    return `<li class="card"><p>${renderBadge(warning)} ${escapeHtml(what)}</p>
${fix === undefined ? '' : `<p><strong>Fix:</strong> ${escapeHtml(fix)}</p>\n`}<p class="faint small">${renderMoment(last)}${often}${about}</p></li>\n`;
  });
  const body =
    items.length === 0
      ? '<p class="faint">The log has warned of nothing since the start.</p>\n'
      : `<ul class="plain">${items.join('')}</ul>\n`;
  return renderSection('warnings', 'Last warnings', body);
}
