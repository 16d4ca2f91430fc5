import type { Store } from '../store/store.ts';
import { type Certificate, keyMatches } from '../tls/certificate.ts';
import { parsePemCertificate } from '../tls/pem-certificate.ts';

/** What the CA said of when to renew a certificate, and when to ask it again. Milliseconds since the epoch. */
export interface StoredAri {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly chosen?: number | undefined;
  readonly nextCheck: number;
  /** Questions in a row that went unanswered. */
  readonly failures: number;
  readonly explanationUrl?: string | undefined;
}

/** A certificate from a CA with its key: one value in the store, so that neither is ever there without the other. */
export interface StoredCertificate {
  readonly names: readonly string[];
  /** The URL of the CA's directory. */
  readonly directory: string;
  readonly chainPem: string;
  readonly keyPem: string;
  readonly issuedAt: number;
  readonly ari?: StoredAri | undefined;
}

/** The stored value, and what can be served of it. */
export interface HeldCertificate {
  readonly stored: StoredCertificate;
  readonly certificate: Certificate;
}

export const CERTIFICATES_PREFIX = 'acme/certificates/';

/** Where the certificate of a set of names (`NameSet.id`) is in the store. */
export function certificateKey(setId: string): string {
  return `${CERTIFICATES_PREFIX}${setId}.json`;
}

/**
 * Undefined where there is none, and where it is damaged, which `onDamage` hears of with the place to look at. Rejects
 * with a SidecarError where the store cannot be read.
 */
export async function readCertificate(
  store: Pick<Store, 'read' | 'where'>,
  setId: string,
  onDamage?: (where: string) => void,
): Promise<HeldCertificate | undefined> {
  const key = certificateKey(setId);
  const bytes = await store.read(key);
  if (bytes === undefined) return undefined;
  const held = parseStoredCertificate(bytes, store.where(key));
  if (held === undefined) onDamage?.(store.where(key));
  return held;
}

export async function writeCertificate(
  store: Pick<Store, 'write'>,
  setId: string,
  stored: StoredCertificate,
): Promise<void> {
  await store.write(certificateKey(setId), Buffer.from(JSON.stringify(stored)));
}

/** Reads a stored value; undefined when it is damaged, which is as good as none: a new one can be had. */
export function parseStoredCertificate(bytes: Uint8Array, origin: string): HeldCertificate | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Partial<Record<keyof StoredCertificate, unknown>>;
    const { names, directory, chainPem, keyPem, issuedAt, ari } = value;
    if (!Array.isArray(names) || typeof directory !== 'string' || typeof issuedAt !== 'number') return undefined;
    if (typeof chainPem !== 'string' || typeof keyPem !== 'string') return undefined;
    const certificate = parsePemCertificate(chainPem, keyPem, origin);
    if (!keyMatches(certificate)) return undefined;
    return {
      stored: { names: names.map(String), directory, chainPem, keyPem, issuedAt, ari: readAri(ari) },
      certificate,
    };
  } catch {
    return undefined;
  }
}

function readAri(value: unknown): StoredAri | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { start, end, chosen, nextCheck, failures, explanationUrl } = value as Record<string, unknown>;
  const number = (one: unknown): number | undefined =>
    typeof one === 'number' && Number.isFinite(one) ? one : undefined;
  return {
    start: number(start),
    end: number(end),
    chosen: number(chosen),
    nextCheck: number(nextCheck) ?? 0,
    failures: number(failures) ?? 0,
    explanationUrl: typeof explanationUrl === 'string' ? explanationUrl : undefined,
  };
}
