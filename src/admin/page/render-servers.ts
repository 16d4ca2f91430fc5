import { escapeHtml } from '../../federation-tester/render-html-text.ts';
import type { InstanceView, ServerView } from '../view/server-view.ts';
import { renderBadge, renderMoment, renderSection } from './render-parts.ts';

export function renderServers(servers: readonly ServerView[]): string {
  return renderSection('servers', 'Homeservers', servers.map(renderServer).join(''));
}

function renderServer(server: ServerView, index: number): string {
  const { name, way, held, instances } = server;
  const waits = held === 0 ? '' : ` · <strong>${held} request${held === 1 ? '' : 's'} held</strong>`;
  const test = `/federationtester?server_name=${encodeURIComponent(name.toWellFormed())}`;
  return `<article class="card"><h4><span id="server-${index}">${escapeHtml(name)}</span> ${renderBadge(server)} <span class="end small"><a href="${escapeHtml(test)}" aria-label="Test its federation: ${escapeHtml(name)}">Test its federation</a></span></h4>
<p class="faint small">${escapeHtml(way)}${waits}</p>
<table aria-labelledby="server-${index}"><thead><tr><th scope="col">Place</th><th scope="col" class="state">State</th><th scope="col" class="number">Requests now</th></tr></thead>
<tbody>${instances.map(renderInstance).join('')}</tbody></table></article>\n`;
}

function renderInstance(instance: InstanceView): string {
  const { part, place, address, since, lasting, inFlight, why } = instance;
  const leads = address === undefined ? '' : ` <span class="faint small">at ${escapeHtml(address)}</span>`;
  const because = why === undefined ? '' : `<tr class="why small"><td colspan="3">${escapeHtml(why)}</td></tr>\n`;
  return `<tr><th scope="row"><div class="where"><span class="faint small">${escapeHtml(part)}</span> <span><code>${escapeHtml(place)}</code>${leads}</span></div></th><td>${renderBadge(instance)} <span class="faint small">for ${renderMoment({ at: since.at, away: lasting })}</span></td><td class="number">${inFlight}</td></tr>\n${because}`;
}
