import type { Missing } from '../../advise/live/missing.ts';
import { wrapText } from '../../advise/wrap-text.ts';
import type { Paint } from '../demo/demo-text.ts';
import type { WatchNews } from './watch-servers.ts';

/** One piece of news for a person: the time in UTC, the server, and what is missing with its fix. Pure. */
export function renderNews({ server, live, missing, at }: WatchNews, paint: Paint): string {
  const time = paint.faint(new Date(at).toISOString().slice(11, 19));
  const name = paint.strong(server.serverName.text);
  const blocking = missing.filter((one) => one.blocking);
  const state = live ? paint.good('live') : paint.bad(`not yet: ${blocking.length} missing`);
  const listed = [...blocking, ...missing.filter((one) => !one.blocking)];
  const better = live && missing.length > 0 ? ' It works; this would be better:' : '';
  return `${time} ${name}: ${state}.${better}\n${listed.map((one) => renderMissing(one, live)).join('')}`;
}

function renderMissing({ what, fix, blocking }: Missing, live: boolean): string {
  const also = blocking || live ? '' : '(not urgent) ';
  return `${wrapText(`  - ${also}${what}`, '    ')}\n${wrapText(`    ${fix}`, '    ')}\n`;
}

/** The same as one line of JSON. Pure. */
export function renderNewsJson({ server, live, missing, at }: WatchNews): string {
  const time = new Date(at).toISOString();
  return `${JSON.stringify({ at: time, server_name: server.serverName.text, live, missing })}\n`;
}
