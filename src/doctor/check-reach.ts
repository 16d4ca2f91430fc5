import { formatHostPort } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { namesRow } from './check-names.ts';
import { SIDECAR_ROW } from './check-sidecar.ts';
import type { PublicPlace } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row, Seen } from './row.ts';
import type { ProbeOutcome, ProbePlace } from './self-probe.ts';
import type { FindWhereabouts } from './whereabouts.ts';

/** By `host:port`: where a public place is proven to lead here. */
export type Reached = Map<string, ProbePlace>;

export function reachRow({ host, port }: PublicPlace): string {
  return `reach:${formatHostPort(host, port)}`;
}

/** Whether a public name and port lead to this sidecar, asked through every address of the name. */
export function checkReach(place: PublicPlace, find: FindWhereabouts, reached: Reached, { probe }: DoctorDeps): Row {
  const { host, port, kind } = place;
  const text = formatHostPort(host, port);
  return {
    id: reachRow(place),
    title: `${text} leads to this sidecar`,
    needs: kind === 'dns' ? [SIDECAR_ROW, namesRow(host)] : [SIDECAR_ROW],
    hint: `Check from outside: matrix-sidecar check SERVER_NAME`,
    run: async (signal) => {
      const at = await find(host, port, signal);
      const outcomes = await Promise.all(
        at.addresses.map(async (address) => {
          const asked = { address, port: at.port, host, publicPort: port };
          const outcome = await probe.ask(asked, '', signal);
          if (outcome.kind === 'ours') reached.set(text, asked);
          return { address, outcome };
        }),
      );
      return judge(place, outcomes);
    },
  };
}

interface Asked {
  readonly address: string;
  readonly outcome: ProbeOutcome;
}

function judge(place: PublicPlace, outcomes: readonly Asked[]): Seen {
  const { port } = place;
  const text = formatHostPort(place.host, port);
  const who = place.who.join(' and ');
  const seen = outcomes.map(({ address, outcome }) => `${address}: ${describe(outcome)}`).join('; ');
  const findings: Finding[] = outcomes.flatMap(({ address, outcome }): Finding[] => {
    if (outcome.kind !== 'foreign') return [];
    const what = `${text}, where ${who} go, leads to something else at ${address}: ${outcome.words}.`;
    const fix = `Let ${address} be an address of this machine, remove it from the DNS, or let what answers there pass the port on.`;
    return [{ id: 'name-leads-elsewhere', severity: 'error', what, fix }];
  });
  const silent = outcomes.filter(({ outcome }) => outcome.kind === 'failed');
  const anyOurs = outcomes.some(({ outcome }) => outcome.kind === 'ours');
  for (const { address, outcome } of anyOurs ? silent : []) {
    const what = `${text} leads here at another address, and at ${address} nothing answers from here: ${describe(outcome)}.`;
    const fix = `Open port ${port} at ${address}, or remove this address from the DNS; if only this machine is cut off, nothing has to be done.`;
    findings.push({ id: 'name-address-dead', severity: 'warning', what, fix });
  }
  if (silent.length > 0 && silent.length === outcomes.length) {
    const what = `This machine cannot reach itself at ${text} (${describe(silent[0]!.outcome)}): many routers do not lead back what is sent to their own public address.`;
    const fix = `Ask from outside whether port ${port} is open, for example with: matrix-sidecar check SERVER_NAME on another machine.`;
    findings.push({ id: 'no-way-back', severity: 'info', what, fix });
  }
  return { seen, findings };
}

function describe(outcome: ProbeOutcome): string {
  if (outcome.kind === 'ours') {
    const by = outcome.answer.proxies.length === 0 ? '' : `, through a proxy (${outcome.answer.proxies.join(', ')})`;
    return `this sidecar, ${outcome.answer.listener} listener${by}`;
  }
  return outcome.words;
}
