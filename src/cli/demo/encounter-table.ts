import { formatHostPort } from '../../base/address.ts';
import type { Resolution, Step } from '../../discovery/resolution.ts';
import type { Encounter } from './check-each-other.ts';
import type { DemoServer } from './demo-server.ts';
import type { Paint } from './demo-text.ts';

/** Blanks between columns. */
const GAP = 3;
const CORNER = 'from \\ to';

/** The head of the table: a column for who looks, and one for each who is looked for. */
export function describeColumns(servers: readonly DemoServer[], paint: Paint): string {
  const width = widthOf(servers);
  const names = servers.map(({ serverName }) => serverName.text.padEnd(width));
  return paint.faint(`  ${CORNER.padEnd(width)}${names.join('').trimEnd()}`);
}

/** One row: by which step `from` found each of the others, and whether all was well there. */
export function describeRow(
  from: DemoServer,
  servers: readonly DemoServer[],
  encounters: readonly Encounter[],
  paint: Paint,
): string {
  const width = widthOf(servers);
  const cells = servers.map((to) => {
    const met = encounters.find((each) => each.from === from && each.to === to);
    if (met === undefined) return ' '.repeat(width);
    const ok = met.wrong === undefined;
    const cell = `${ok ? '\u2713' : '\u2717'} step ${met.resolution?.step ?? '?'}`.padEnd(width);
    return ok ? paint.good(cell) : paint.bad(cell);
  });
  return `  ${paint.strong(from.serverName.text.padEnd(width))}${cells.join('')}`.trimEnd();
}

/** The steps on the way to each server, as they were taken, and where they led; then what went wrong. */
export function describeSteps(
  servers: readonly DemoServer[],
  encounters: readonly Encounter[],
  paint: Paint,
): readonly string[] {
  const ways = servers.flatMap((to) => {
    const resolution = encounters.find((met) => met.to === to && met.resolution !== undefined)?.resolution;
    return resolution === undefined
      ? []
      : [`  ${to.serverName.text.padEnd(widthOf(servers))}${paint.faint(describeWay(resolution))}`];
  });
  const wrongs = encounters.flatMap(({ from, to, wrong }) =>
    wrong === undefined ? [] : [paint.bad(`  ${from.serverName.text} \u2192 ${to.serverName.text}: ${wrong}`)],
  );
  return [...ways, ...wrongs];
}

function describeWay(resolution: Resolution): string {
  const { trace, destinations } = resolution;
  // A step may have a second sentence, about `--connect-to`.
  const steps = [...new Set(trace.map(({ step }) => step))].map((step) => `${step} ${nameStep(step, resolution)}`);
  const [first] = destinations;
  const address = first?.addresses.addresses[0];
  const place = first === undefined || address === undefined ? 'nowhere' : formatHostPort(address, first.port);
  return `${steps.join(', ')} \u2192 ${place}`;
}

function nameStep(step: Step, { serverName, wellKnown, srv }: Resolution): string {
  const delegated = wellKnown?.result.ok === true ? wellKnown.result.delegated : undefined;
  const named = delegated ?? serverName;
  switch (step) {
    case '1':
    case '3.1':
      return `${named.host} is an address`;
    case '2':
    case '3.2':
      return `port ${named.port} is named`;
    case '3':
      return delegated === undefined ? 'no well-known document' : `well-known document: ${delegated.text}`;
    case '3.3':
    case '4':
      return describeSrv(srv[0]);
    case '3.4':
    case '5':
      return describeSrv(srv[1]);
    case '3.5':
    case '6':
      return `port 8448 of ${named.host}`;
  }
}

function describeSrv(lookup: Resolution['srv'][number] | undefined): string {
  const service = lookup?.name.split('._tcp.')[0] ?? 'SRV';
  const [record] = lookup?.records ?? [];
  return record === undefined ? `no ${service}` : `${service}: ${formatHostPort(record.target, record.port)}`;
}

function widthOf(servers: readonly DemoServer[]): number {
  return GAP + Math.max(CORNER.length, ...servers.map(({ serverName }) => serverName.text.length));
}
