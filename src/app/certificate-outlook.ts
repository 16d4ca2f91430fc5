import { BOOTSTRAP_ORIGIN } from '../acme/bootstrap-origin.ts';
import { describeStuckStore } from '../acme/describe-stuck-store.ts';
import type { OtherKeeper, SetStatus } from '../acme/keeper.ts';
import { nameSetId } from '../acme/names.ts';
import { judgeRisk } from '../acme/warn.ts';
import type { CertificateLevel } from '../admin/status.ts';
import type { Certificate } from '../tls/certificate.ts';
import { DEVELOPMENT_CA_ORIGIN } from '../tls/development-ca.ts';

/** A certificate that is served, and what is to be expected of it. Instants in milliseconds since the epoch. */
export interface CertificateOutlook {
  /** The same for the same names; a segment of a store's key. */
  readonly id: string;
  /** Sorted. */
  readonly names: readonly string[];
  readonly certificate: Certificate;
  readonly level: CertificateLevel;
  /** When it is next got from a CA, and why then; `at` is undefined where that is not ours to do, and `why` says so. */
  readonly next: { readonly at: number | undefined; readonly why: string } | undefined;
  readonly last: SetStatus['last'];
  /** What stands in the way of the next one, a sentence. */
  readonly obstacle: string | undefined;
  /** Whether more will be known soon: another process orders it, or an attempt is under way here. */
  readonly unsettled: boolean;
}

/** What is to be expected of each certificate. `sets` are those that a CA signs. */
export function listOutlooks(
  certificates: readonly Certificate[],
  sets: readonly SetStatus[],
  now: number,
): CertificateOutlook[] {
  return certificates.map((certificate) => {
    const set = sets.find(({ served }) => served === certificate.fingerprint256);
    const names = set?.names ?? [...certificate.dnsNames, ...certificate.ipAddresses].sort();
    return {
      id: set?.id ?? nameSetId(names),
      names,
      certificate,
      level: certificate.origin === BOOTSTRAP_ORIGIN ? 'missing' : judgeRisk(certificate, now),
      next: set === undefined ? explainSource(certificate) : nextOf(set, now),
      last: set?.last,
      obstacle: set === undefined ? undefined : findObstacle(set),
      unsettled: set !== undefined && (!set.leads || set.next.at <= now),
    };
  });
}

function nextOf({ leads, other, next }: SetStatus, now: number): CertificateOutlook['next'] {
  if (!leads) return { at: undefined, why: explainOther(other) };
  return next.at > now ? next : { at: now, why: 'It is being tried now.' };
}

/** A store that cannot be written, or what the last attempt met. */
function findObstacle({ leads, other, last }: SetStatus): string | undefined {
  if (!leads && other.kind === 'stuck') return describeStuckStore(other.why);
  return last?.ok === false ? last.what : undefined;
}

function explainOther(other: OtherKeeper): string {
  switch (other.kind) {
    case 'another':
      return 'Another sidecar that shares the store orders it, and says why and when.';
    case 'stuck':
      return describeStuckStore(other.why);
    case 'unknown':
      return 'Who orders it is not known yet: this sidecar has just started, or the one that did is gone.';
  }
}

function explainSource({ origin }: Certificate): CertificateOutlook['next'] {
  if (origin === DEVELOPMENT_CA_ORIGIN) return undefined;
  return { at: undefined, why: `It comes from ${origin}, which the sidecar does not renew: put a new one there.` };
}

/** One for each set of names, where there are several the one that ends first. */
export function keepWorst(outlooks: readonly CertificateOutlook[]): CertificateOutlook[] {
  const worst = new Map<string, CertificateOutlook>();
  for (const one of outlooks) {
    const other = worst.get(one.id);
    if (other === undefined || one.certificate.notAfter < other.certificate.notAfter) worst.set(one.id, one);
  }
  return [...worst.values()];
}
