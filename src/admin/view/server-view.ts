import { formatDuration } from '../../federation-tester/quote.ts';
import type { InstanceStatus, Status } from '../status.ts';
import { describeMoment } from './describe-moment.ts';
import type { Moment, Word } from './tone.ts';

/** A server name, and everything that serves it. */
export interface ServerView extends Word {
  readonly name: string;
  /** Where other servers go, a clause. */
  readonly way: string;
  readonly held: number;
  readonly instances: readonly InstanceView[];
}

export interface InstanceView extends Word {
  /** `homeserver`, `authentication service`, a service for calls, `website`, or the pool of a worker. */
  readonly part: string;
  readonly place: string;
  /** Where that leads, where the place leads to several. */
  readonly address: string | undefined;
  readonly since: Moment;
  /** How long it has been so: `3 days`. */
  readonly lasting: string;
  readonly inFlight: number;
  readonly why: string | undefined;
}

const STATES: Readonly<Record<InstanceStatus['state'], Word>> = {
  here: { tone: 'good', word: 'up' },
  warming: { tone: 'warn', word: 'coming back' },
  ejected: { tone: 'bad', word: 'away' },
};

type Server = Status['servers'][number];

/** `now` in milliseconds since the epoch. Pure. */
export function viewServer(server: Server, now: number): ServerView {
  const view = (part: string, all: readonly InstanceStatus[]): InstanceView[] =>
    all.map((one) => viewInstance(part, one, all, now));
  const instances = [
    ...view('homeserver', server.instances),
    ...server.workers.flatMap(({ pool, instances }) => view(`worker: ${pool}`, instances)),
    ...view('authentication service', server.mas_instances),
    ...view('calls: tokens', server.rtc_jwt_instances),
    ...view('calls: media', server.rtc_sfu_instances),
    ...view('website', server.website_instances),
  ];
  return {
    ...judge(server, instances),
    name: server.server_name,
    way: sayWay(server),
    held: server.requests_held,
    instances,
  };
}

function judge({ away_seconds }: Server, instances: readonly InstanceView[]): Word {
  if (away_seconds !== null) return { tone: 'bad', word: `away for ${formatDuration(away_seconds * 1000)}` };
  const away = instances.filter(({ tone }) => tone === 'bad').length;
  const isPartAway = instances.some(({ part }) =>
    instances.every((other) => other.part !== part || other.tone === 'bad'),
  );
  if (away > 0) return { tone: isPartAway ? 'bad' : 'warn', word: `${away} of ${instances.length} away` };
  return instances.some(({ tone }) => tone === 'warn')
    ? { tone: 'warn', word: 'up, not all of it yet' }
    : { tone: 'good', word: 'up' };
}

function sayWay({ delegate_to, delegate_by }: Server): string {
  if (delegate_to === null) return 'not delegated';
  const by = {
    'well-known': 'a well-known document',
    srv: 'SRV records',
    both: 'a well-known document and SRV records',
  };
  return `delegated to ${delegate_to} by ${by[delegate_by ?? 'well-known']}`;
}

function viewInstance(
  part: string,
  instance: InstanceStatus,
  all: readonly InstanceStatus[],
  now: number,
): InstanceView {
  const { place, address, state, since, requests_in_flight, why } = instance;
  return {
    ...STATES[state],
    part,
    place: place,
    address: address !== null && all.filter((one) => one.place === place).length > 1 ? address : undefined,
    since: describeMoment(since, now),
    lasting: formatDuration(now - Date.parse(since)),
    inFlight: requests_in_flight,
    why: why === null ? undefined : why,
  };
}
