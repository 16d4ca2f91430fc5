import type { RequestCount, RestartAccount } from './restart-account.ts';

/** What the edges are called in the table. */
const TITLES: Readonly<Record<string, string>> = {
  sidecar: 'matrix-sidecar on Node.js',
  nginx: 'nginx',
  caddy: 'Caddy',
  'caddy-retrying': 'Caddy, `lb_try_duration 50s`',
};

/** The accounts side by side, as a table in Markdown. */
export function writeRestartTable(accounts: readonly RestartAccount[]): string {
  const rows: [string, (account: RestartAccount) => string][] = [
    ['restarts, seconds away', ({ restarts }) => describeAbsences(restarts.map(({ away }) => away))],
    ['client requests at the restarted server: failed of', ({ requestsThere }) => ofAll(requestsThere)],
    ['… of these POSTs, which nobody may repeat', ({ requestsThere }) => String(requestsThere.unrepeatable)],
    ['client requests at the other servers: failed of', ({ requestsElsewhere }) => ofAll(requestsElsewhere)],
    ['… answered from another server within its 10 s: failed of', ({ requestsAcross }) => ofAll(requestsAcross)],
    ['times a peer put it in back-off', ({ backOff }) => String(backOff.spells)],
    ['… longest time in it', ({ backOff }) => seconds(backOff.longest)],
    ['… longest that a peer meant to stay away', ({ backOff }) => seconds(backOff.interval)],
    [
      'peers that had it in back-off 40 s after the last restart, whose people only read',
      ({ backOff }) => String(backOff.afterwards),
    ],
    ['messages missing, doubled, of', ({ messages }) => `${messages.missing}, ${messages.doubled}, ${messages.sent}`],
    ['messages late (over 30 s after its return)', ({ messages }) => String(messages.late)],
    ['… the latest', ({ messages }) => seconds(messages.longest)],
    ['to-device messages missing, doubled, of', ({ toDevice: d }) => `${d.missing}, ${d.doubled}, ${d.sent}`],
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...accounts.map(({ edge, version }) => `${TITLES[edge] ?? edge} (${version})`)]),
    line(['---', ...accounts.map(() => '---')]),
    ...rows.map(([title, cell]) => line([title, ...accounts.map(cell)])),
  ].join('\n');
}

const ofAll = ({ failed, sent }: RequestCount): string => `${failed} of ${sent}`;

const seconds = (milliseconds: number): string =>
  Number.isFinite(milliseconds) ? `${(milliseconds / 1_000).toFixed(1)} s` : 'never';

function describeAbsences(away: readonly number[]): string {
  const longest = Math.max(...away) / 1_000;
  return `${away.length}, ${(Math.min(...away) / 1_000).toFixed(0)} to ${longest.toFixed(0)}`;
}
