import type { RecentWarning } from '../observe/recent-warnings.ts';
import type { TrafficStatus } from '../observe/traffic-record.ts';

/** What an operator wants to see at a glance, and machines can read (`/api/status`, docs/reference/status.md). */
export interface Status {
  /** When it was so; ISO 8601. */
  readonly at: string;
  readonly version: string;
  readonly uptime_seconds: number;
  readonly draining: boolean;
  /** Of the configuration in force, without its secrets: `doctor` tells by it whether a reload is due. */
  readonly config_digest: string;
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  readonly servers: readonly {
    readonly server_name: string;
    readonly homeserver: string;
    readonly delegate_to: string | null;
    /** Null without a delegation. */
    readonly delegate_by: 'well-known' | 'srv' | 'both' | null;
    readonly apex: 'here' | 'elsewhere';
    /** How long its homeserver has been away; null while it is there. */
    readonly away_seconds: number | null;
    /** Requests that wait for its homeserver, its workers, or a service beside it. */
    readonly requests_held: number;
    /** Of its homeserver; mostly one. */
    readonly instances: readonly InstanceStatus[];
    /** Of its website; empty where there is none. */
    readonly website_instances: readonly InstanceStatus[];
    /** Who answers logins in its place; null where it does itself. */
    readonly mas: string | null;
    readonly mas_instances: readonly InstanceStatus[];
    /** Of the services for calls: who lets people in, and who carries the calls. Empty where there are none. */
    readonly rtc_jwt_instances: readonly InstanceStatus[];
    readonly rtc_sfu_instances: readonly InstanceStatus[];
    /** Its workers by pool; `background` are those that take no requests. Empty where it is one process. */
    readonly workers: readonly { readonly pool: string; readonly instances: readonly InstanceStatus[] }[];
  }[];
  readonly certificates: readonly CertificateStatus[];
  /** What people are told of and is not over, the oldest first. */
  readonly warnings: readonly WarningStatus[];
  readonly requests_in_flight: number;
  /** How many different addresses connections came from (eight are enough to tell); `only` when there is just one. */
  readonly clients: { readonly connections: number; readonly distinct: number; readonly only: string | null };
  /** Of the last minutes. */
  readonly traffic: TrafficStatus;
  /** The other servers that asked most in the last whole five minutes, the busiest first, all the rest as `other` last. */
  readonly peers: readonly PeerStatus[];
  /** Since the start. */
  readonly saved: SavedStatus;
  /** What the log warned of last, the newest first. */
  readonly logged: readonly RecentWarning[];
  /** Those that serve, in their order, then those that only finish what they began. */
  readonly processes: readonly ProcessStatus[];
}

/** Something that needs a person. */
export interface WarningStatus {
  /** The same for as long as it holds, over restarts and replicas. */
  readonly id: string;
  /** `certificate`, `homeserver` (or workers, or an authentication service), `federation` or `apex`. */
  readonly about: string;
  readonly level: string;
  /** ISO 8601. */
  readonly since: string;
  readonly sentence: string;
  /** What to do. */
  readonly fix: string | null;
}

export interface PeerStatus {
  /** As the server states it. */
  readonly origin: string;
  readonly requests: number;
}

/** Requests that met a homeserver that was away, or would have met an error. */
export interface SavedStatus {
  /** Answered well all the same, by what saved them: `hold`, `repeat`, `instance` (another one) or `last-good`. */
  readonly by: Readonly<Record<string, number>>;
  /** Those that had to wait, by what became of them: `released`, `expired`, `left` or `refused`. */
  readonly held: Readonly<Record<string, number>>;
}

export interface ProcessStatus {
  /** From 1; the one that takes its place has the same. `process` in the log. */
  readonly slot: number;
  /** Null while there is none in this slot. */
  readonly pid: number | null;
  readonly uptime_seconds: number;
  /** How often one in this slot ended without being asked to, and was replaced. */
  readonly restarts: number;
  /** `silent`: it did not answer in time, and nothing else here speaks for it. */
  readonly state: 'starting' | 'serving' | 'draining' | 'silent';
}

/** One of the places that serve the same. */
export interface InstanceStatus {
  /** As it is configured. */
  readonly place: string;
  /** Where that is, as far as it is known; null for a name that was not looked up yet. */
  readonly address: string | null;
  /** `warming`: it came back and gets requests little by little. `ejected`: it gets none until it is well. */
  readonly state: 'here' | 'warming' | 'ejected';
  /** ISO 8601: of `ejected`, or of when it came, or came back. */
  readonly since: string;
  /** WebSockets and long polls included. */
  readonly requests_in_flight: number;
  /** Why it is ejected; null when it is not. */
  readonly why: string | null;
}

export interface CertificateStatus {
  readonly names: readonly string[];
  readonly origin: string;
  /** Who signed it, for people; null as long as there is none. */
  readonly issuer: string | null;
  /** ISO 8601, as all instants here. */
  readonly not_before: string;
  readonly not_after: string;
  readonly days_left: number;
  readonly level: CertificateLevel;
  /** When it is next got from a CA, and why then; `at` is null where that is not this sidecar's to do. */
  readonly next_attempt: { readonly at: string | null; readonly why: string } | null;
  /** How the last attempt to get it from a CA ended. */
  readonly last_result: { readonly at: string; readonly ok: boolean; readonly what: string } | null;
  /** What stands in the way of the next one, a sentence; null where nothing does. */
  readonly obstacle: string | null;
}

/**
 * How near a certificate is to its end: `at-risk` with less than a sixth of its lifetime left, `emergency` with less than a
 * twentieth. `missing`: a CA has yet to give the first one.
 */
export type CertificateLevel = 'ok' | 'at-risk' | 'emergency' | 'expired' | 'missing';

/** What readiness has to know of a certificate. Milliseconds since the epoch. */
export interface CertificateFacts {
  readonly names: readonly string[];
  readonly notAfter: number;
  readonly level: CertificateLevel;
  readonly next: { readonly at: number | undefined; readonly why: string } | undefined;
}

/** One thing that has to be right before other servers and clients can be served. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Ready when every check is; the checks say why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly ReadinessCheck[];
}

export function judgeReadiness(checks: readonly ReadinessCheck[]): Readiness {
  return { ready: checks.length > 0 && checks.every((check) => check.ok), checks };
}

/** A certificate is usable until it has expired; one that is near its end says so, and what is done about it. */
export function checkCertificate({ names, notAfter, level, next }: CertificateFacts, now: number): ReadinessCheck {
  const until = describe(notAfter);
  const what = {
    ok: `valid until ${until}`,
    'at-risk': `valid until ${until}, which is soon: less than a sixth of its lifetime is left`,
    emergency: `valid until ${until}, which is very soon: less than a twentieth of its lifetime is left`,
    expired: `expired on ${until}`,
    missing: 'none yet',
  }[level];
  const ok = level !== 'expired' && level !== 'missing';
  const detail = level === 'ok' || next === undefined ? what : `${what}; ${describeNext(next, now)}`;
  return { name: `certificate for ${names.join(', ')}`, ok, detail };
}

function describeNext({ at, why }: NonNullable<CertificateFacts['next']>, now: number): string {
  if (at === undefined) return why;
  return at <= now ? 'it is being tried now' : `next attempt on ${describe(at)}: ${why}`;
}

function describe(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' at ')} UTC`;
}
