/** What an operator wants to see at a glance, and machines can read (`/api/status`). */
export interface Status {
  readonly version: string;
  readonly uptime_seconds: number;
  readonly draining: boolean;
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  readonly servers: readonly {
    readonly server_name: string;
    readonly homeserver: string;
    readonly delegate_to: string | null;
  }[];
  readonly certificates: readonly CertificateStatus[];
  readonly requests_in_flight: number;
}

export interface CertificateStatus {
  readonly names: readonly string[];
  readonly origin: string;
  /** ISO 8601. */
  readonly not_after: string;
  readonly days_left: number;
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

/** A certificate is usable while it is valid; `now` and `notAfter` in milliseconds. */
export function checkCertificateTime(names: readonly string[], notAfter: number, now: number): ReadinessCheck {
  const ok = notAfter > now;
  const until = new Date(notAfter).toISOString().slice(0, 16).replace('T', ' at ');
  return {
    name: `certificate for ${names.join(', ')}`,
    ok,
    detail: ok ? `valid until ${until} UTC` : `expired on ${until} UTC`,
  };
}
