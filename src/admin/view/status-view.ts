import { formatDuration } from '../../federation-tester/quote.ts';
import type { RecentWarning } from '../../observe/recent-warnings.ts';
import { judgeStatus, type StatusVerdict } from '../judge-status.ts';
import type { PeerStatus, ProcessStatus, Status } from '../status.ts';
import { type CertificateView, viewCertificate } from './certificate-view.ts';
import { describeMoment } from './describe-moment.ts';
import { type ServerView, viewServer } from './server-view.ts';
import { tameStrings } from './tame-strings.ts';
import type { Moment, Tone, Word } from './tone.ts';
import { type TrafficView, viewTraffic } from './traffic-view.ts';

/** Everything that the status page and `matrix-sidecar status` show, in words; nothing in it obeys a stranger. */
export interface StatusView {
  readonly verdict: StatusVerdict;
  /** ISO 8601. */
  readonly at: string;
  readonly version: string;
  readonly uptime: string;
  readonly inFlight: number;
  readonly held: number;
  /** Those in trouble first. */
  readonly servers: readonly ServerView[];
  readonly certificates: readonly CertificateView[];
  readonly traffic: TrafficView;
  readonly peers: readonly PeerStatus[];
  readonly saved: readonly Count[];
  readonly listeners: readonly ListenerView[];
  /** Empty where one process does all. */
  readonly processes: readonly ProcessView[];
  readonly warnings: readonly WarningView[];
}

export interface Count {
  readonly what: string;
  readonly count: number;
}

export interface ListenerView {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly serves: string;
}

export interface ProcessView extends Word {
  readonly slot: number;
  readonly pid: number | null;
  readonly uptime: string;
  readonly restarts: number;
}

export interface WarningView extends Word {
  readonly code: string | null;
  readonly what: string;
  readonly fix: string | undefined;
  readonly last: Moment;
  readonly times: number;
}

/** Pure. */
export function viewStatus(told: Status): StatusView {
  const status = tameStrings(told);
  const now = Date.parse(status.at);
  return {
    verdict: judgeStatus(status),
    at: status.at,
    version: status.version,
    uptime: formatDuration(status.uptime_seconds * 1000),
    inFlight: status.requests_in_flight,
    held: status.servers.reduce((sum, { requests_held }) => sum + requests_held, 0),
    servers: sortByTone(status.servers.map((server) => viewServer(server, now))),
    certificates: sortByTone(status.certificates.map((certificate) => viewCertificate(certificate, now))),
    traffic: viewTraffic(status.traffic),
    peers: status.peers.map(({ origin, requests }) => ({ origin: origin, requests })),
    saved: listSaved(status),
    listeners: LISTENERS.map(({ name, serves }) => ({ name, serves, addresses: status.listeners[name] ?? [] })),
    processes: status.processes.length < 2 ? [] : status.processes.map(viewProcess),
    warnings: status.logged.map((warning) => viewWarning(warning, now)),
  };
}

const WORST_FIRST: readonly Tone[] = ['bad', 'warn', 'unknown', 'good'];

function sortByTone<T extends Word>(all: readonly T[]): readonly T[] {
  return [...all].sort((a, b) => WORST_FIRST.indexOf(a.tone) - WORST_FIRST.indexOf(b.tone));
}

const LISTENERS = [
  { name: 'https', serves: 'clients, well-known documents, and other servers where they are delegated to it' },
  { name: 'federation', serves: 'other servers' },
  { name: 'http', serves: 'challenges of a CA, and redirects to https' },
  { name: 'admin', serves: 'this status, metrics, health, the federation tester' },
] as const;

const SAVED: readonly (readonly [kind: 'by' | 'held', key: string, what: string])[] = [
  ['by', 'hold', 'answered after a wait'],
  ['by', 'repeat', 'answered after they were sent once more'],
  ['by', 'instance', 'answered by another instance'],
  ['by', 'last-good', 'answered with what the homeserver had said last'],
  ['held', 'expired', 'waited in vain'],
  ['held', 'left', 'left by their client while they waited'],
  ['held', 'refused', 'refused, because too many waited'],
];

function listSaved({ saved }: Status): readonly Count[] {
  return SAVED.flatMap(([kind, key, what]) => {
    const count = saved[kind][key] ?? 0;
    return count === 0 ? [] : [{ what, count }];
  });
}

const STATES: Readonly<Record<ProcessStatus['state'], Word>> = {
  serving: { tone: 'good', word: 'serving' },
  starting: { tone: 'warn', word: 'starting' },
  draining: { tone: 'unknown', word: 'finishing' },
  silent: { tone: 'bad', word: 'silent' },
};

function viewProcess({ slot, pid, uptime_seconds, restarts, state }: ProcessStatus): ProcessView {
  return { ...STATES[state], slot, pid, uptime: formatDuration(uptime_seconds * 1000), restarts };
}

function viewWarning({ level, code, what, fix, last_at, times }: RecentWarning, now: number): WarningView {
  return {
    ...(level === 'error' ? { tone: 'bad', word: 'error' } : { tone: 'warn', word: 'warning' }),
    code: code === null ? null : code,
    what: what,
    // The sentence often ends with it.
    fix: fix === null || what.includes(fix) ? undefined : fix,
    last: describeMoment(last_at, now),
    times,
  };
}
