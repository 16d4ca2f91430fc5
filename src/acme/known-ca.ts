import type { Ca } from './ca.ts';

/** What preflight has to know of a CA. */
export interface KnownCa {
  /** A CA of the public web, which signs for public names and addresses only. */
  readonly isPublic: boolean;
  /** Nothing it signs is trusted; what is wrong here costs little. */
  readonly isStaging: boolean;
  /** The domain names by which CAA records know it; empty where nobody knows them. */
  readonly caaIdentities: readonly string[];
  /** The profiles that it offers; empty where it has none, or nobody knows. */
  readonly profiles: readonly string[];
}

/** The public CAs that have a short name in the configuration, and how CAA records know them. */
const PUBLIC: Readonly<Record<string, readonly string[]>> = Object.freeze({
  'acme-v02.api.letsencrypt.org': ['letsencrypt.org'],
  'acme-staging-v02.api.letsencrypt.org': ['letsencrypt.org'],
  'acme.zerossl.com': ['sectigo.com'],
  'dv.acme-v02.api.pki.goog': ['pki.goog'],
});

/**
 * Describes a CA by its own directory (`caaIdentities`, RFC 8555 section 7.1.1), and by what is known here of the public
 * ones where that says nothing or cannot be read. Rejects with the signal's reason only.
 */
export async function describeKnownCa(
  ca: Pick<Ca, 'directoryUrl' | 'directory'>,
  signal: AbortSignal,
): Promise<KnownCa> {
  const { hostname } = new URL(ca.directoryUrl);
  const known = Object.hasOwn(PUBLIC, hostname) ? PUBLIC[hostname]! : [];
  let named: readonly string[] = [];
  let profiles: readonly string[] = [];
  try {
    const directory = await ca.directory(signal);
    named = directory.caaIdentities;
    profiles = Object.keys(directory.profiles);
  } catch {
    // The order itself will say why the CA cannot be reached.
    signal.throwIfAborted();
  }
  return {
    isPublic: Object.hasOwn(PUBLIC, hostname),
    isStaging: hostname.includes('staging'),
    caaIdentities: named.length > 0 ? named : known,
    profiles,
  };
}
