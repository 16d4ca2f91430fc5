const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** At most `count` in any span of `per` milliseconds. */
export interface Window {
  readonly count: number;
  readonly per: number;
}

/** What a CA allows, as it publishes it, and the way from there to what we allow ourselves. */
export interface CaLimits {
  /** The CA's name, for messages. */
  readonly ca: string;
  readonly certificatesPerSet: Window;
  readonly certificatesPerDomain: Window;
  readonly ordersPerAccount: Window;
  readonly failedAuthorizationsPerName: Window;
  /** Failures in a row after which the CA pauses a name; one is forgiven every `refill` milliseconds. */
  readonly failuresInARow: { readonly count: number; readonly refill: number };
}

/**
 * letsencrypt.org/docs/rate-limits, as of August 2026. Let's Encrypt counts with token buckets that refill evenly (one
 * certificate of a set every 34 hours); a window that slides is never more generous than such a bucket, and it keeps
 * the figures as people know them.
 */
const LETS_ENCRYPT: CaLimits = Object.freeze({
  ca: "Let's Encrypt",
  certificatesPerSet: { count: 5, per: 7 * DAY },
  certificatesPerDomain: { count: 50, per: 7 * DAY },
  ordersPerAccount: { count: 300, per: 3 * HOUR },
  failedAuthorizationsPerName: { count: 5, per: HOUR },
  failuresInARow: { count: 1_152, refill: DAY },
});

const BY_HOST: Readonly<Record<string, CaLimits>> = Object.freeze({
  'acme-v02.api.letsencrypt.org': LETS_ENCRYPT,
  // letsencrypt.org/docs/staging-environment
  'acme-staging-v02.api.letsencrypt.org': {
    ca: "Let's Encrypt's staging",
    certificatesPerSet: { count: 30_000, per: 7 * DAY },
    certificatesPerDomain: { count: 30_000, per: 7 * DAY },
    ordersPerAccount: { count: 1_500, per: 3 * HOUR },
    failedAuthorizationsPerName: { count: 200, per: HOUR },
    failuresInARow: { count: 3_600, refill: 6 * HOUR },
  },
  // These two publish no figures for orders like ours; what Let's Encrypt allows is certainly no burden to them.
  'acme.zerossl.com': { ...LETS_ENCRYPT, ca: 'ZeroSSL' },
  'dv.acme-v02.api.pki.goog': { ...LETS_ENCRYPT, ca: 'Google Trust Services' },
});

/**
 * For a CA that nothing is known of, mostly a private one. Its certificates may live for an hour only and be renewed
 * every half hour, so a weekly figure would let them lapse; these are still no load for any CA.
 */
const UNKNOWN: Omit<CaLimits, 'ca'> = Object.freeze({
  certificatesPerSet: { count: 10, per: 3 * HOUR },
  certificatesPerDomain: { count: 100, per: 3 * HOUR },
  ordersPerAccount: { count: 100, per: 3 * HOUR },
  failedAuthorizationsPerName: { count: 5, per: HOUR },
  failuresInARow: { count: 1_152, refill: DAY },
});

/** The limits of the CA whose directory is at `directory`, an https URL. */
export function limitsOfCa(directory: string): CaLimits {
  const host = URL.canParse(directory) ? new URL(directory).hostname : directory;
  return Object.hasOwn(BY_HOST, host) ? BY_HOST[host]! : { ca: host, ...UNKNOWN };
}

/** The directory where the CA at `directory` lets one rehearse, or undefined where it has none. */
export function stagingOfCa(directory: string): string | undefined {
  if (!URL.canParse(directory) || new URL(directory).hostname !== 'acme-v02.api.letsencrypt.org') return undefined;
  return 'https://acme-staging-v02.api.letsencrypt.org/directory';
}
