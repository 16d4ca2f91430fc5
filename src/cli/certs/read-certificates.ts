import { type HeldCertificate, readCertificate } from '../../acme/stored-certificate.ts';
import { judgeRisk } from '../../acme/warn.ts';
import { SidecarError } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Certificate } from '../../tls/certificate.ts';
import { checkCertificate, type Finding } from '../../tls/check-certificate.ts';
import { LEAF_FOLDER } from '../../tls/development-ca.ts';
import { parsePemCertificate } from '../../tls/pem-certificate.ts';
import { readCertificateFiles } from '../../tls/read-certificate-files.ts';
import { readTrustedRoots } from '../../tls/trusted-roots.ts';
import type { NeededCertificate } from './needed-certificates.ts';

/** `unusable`: there is one, and clients refuse it for another reason than its end. */
export type CertificateState = 'good' | 'expires-soon' | 'expired' | 'missing' | 'unusable';

/** A needed certificate and what there is of it. */
export interface PresentCertificate {
  readonly needed: NeededCertificate;
  readonly certificate: Certificate | undefined;
  /** As it is stored, for those of a CA. */
  readonly held: HeldCertificate | undefined;
  readonly state: CertificateState;
  /** What is wrong with one that is brought as files, or why it cannot be read. */
  readonly findings: readonly Finding[];
}

/** Reads what there is, and makes nothing. Rejects with a SidecarError when the store cannot be read. */
export async function readPresent(needed: NeededCertificate, store: Store, now: number): Promise<PresentCertificate> {
  const { source } = needed;
  if (source.kind === 'acme') {
    const held = await readCertificate(store, source.set.id);
    return judge({ needed, certificate: held?.certificate, held, findings: [] }, now);
  }
  if (source.kind === 'local') {
    return judge({ needed, certificate: await readDevelopmentLeaf(needed, store), held: undefined, findings: [] }, now);
  }
  const { outcome } = await readCertificateFiles(source.files);
  if (outcome instanceof SidecarError) {
    const finding = { severity: 'error', code: 'certificate-unreadable', what: outcome.message } as const;
    const findings = [{ ...finding, fix: outcome.hint ?? '' }];
    return { needed, certificate: undefined, held: undefined, state: 'missing', findings };
  }
  const findings = checkCertificate(outcome, { names: needed.names, now, roots: readTrustedRoots() });
  return judge({ needed, certificate: outcome, held: undefined, findings }, now);
}

function judge(present: Omit<PresentCertificate, 'state'>, now: number): PresentCertificate {
  return { ...present, state: judgeState(present, now) };
}

function judgeState({ certificate, findings }: Omit<PresentCertificate, 'state'>, now: number): CertificateState {
  if (certificate === undefined) return 'missing';
  if (certificate.notAfter <= now) return 'expired';
  if (certificate.notBefore > now || findings.some(({ severity }) => severity === 'error')) return 'unusable';
  return judgeRisk(certificate, now) === 'ok' ? 'good' : 'expires-soon';
}

/** The one with exactly these names that lives longest: the development CA makes a new one when names change. */
async function readDevelopmentLeaf({ names }: NeededCertificate, store: Store): Promise<Certificate | undefined> {
  const wanted = [...names].sort().join();
  let best: Certificate | undefined;
  for (const key of await store.list(`${LEAF_FOLDER}/`)) {
    const pem = (await store.read(key))?.toString() ?? '';
    const leaf = readLeaf(pem);
    if (leaf === undefined || [...leaf.dnsNames, ...leaf.ipAddresses].sort().join() !== wanted) continue;
    if (best === undefined || leaf.notAfter > best.notAfter) best = leaf;
  }
  return best;
}

function readLeaf(pem: string): Certificate | undefined {
  try {
    return parsePemCertificate(pem, pem, 'development CA');
  } catch {
    // The development CA makes a new one in its place, as if there were none.
    return undefined;
  }
}
