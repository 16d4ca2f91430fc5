import type { Finding } from '../base/finding.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import type { SiteCertificate } from './site.ts';
import { entry, type YamlEntry } from './yaml-entry.ts';

/** What is known of the files of a certificate. */
export type CertificateLook =
  | {
      readonly kind: 'found';
      /** Whether it is for that host. */
      covers(host: string): boolean;
      readonly names: readonly string[];
      /** Whether a public ACME authority signed it. */
      readonly acme: boolean;
    }
  | { readonly kind: 'unusable'; readonly why: string };

/** By the path of the certificate. */
export type CertificateLooks = ReadonlyMap<string, CertificateLook>;

export interface PlannedCertificate {
  readonly entry: YamlEntry | undefined;
  /** Files or folders for `certs import`. */
  readonly carry: readonly string[];
  readonly findings: readonly Finding[];
}

const LINEAGE = /^(.*)\/live\/[^/]+\/[^/]+\.pem$/;

/** Takes over what a public CA signed, and names the files of everything else, if they fit. */
export function planCertificate(hosts: Hosts, server: FoundServer, looks: CertificateLooks): PlannedCertificate {
  const needed = [...new Set([server.delegateTo?.host ?? server.name, ...(server.apexHere ? [server.name] : [])])];
  const used = needed.flatMap((host) => {
    const certificate = findCertificate(hosts, host);
    return certificate === undefined ? [] : [{ host, certificate }];
  });
  const findings = used.flatMap(({ host, certificate }) => lintName(host, certificate, looks));
  const all = [...new Map(used.map(({ certificate }) => [certificate.cert, certificate])).values()];
  const carry = all.flatMap((certificate) => listCarried(certificate, looks));
  const foreign = all.filter((certificate) => listCarried(certificate, looks).length === 0);
  const [only] = foreign;
  if (only === undefined) return { entry: undefined, carry, findings };
  const look = looks.get(only.cert);
  const value = { cert: only.cert, key: only.key };
  const fits = look?.kind === 'found' && needed.every((host) => look.covers(host));
  if (fits) return { entry: entry('certificate', value, only.place), carry, findings };
  const why =
    look?.kind === 'found'
      ? `it is not for ${needed.filter((host) => !look.covers(host)).join(', ')}`
      : (look?.why ?? 'it was not read');
  findings.push({
    id: 'import-certificate-left',
    severity: 'warning',
    place: only.place,
    what: `The certificate in ${only.cert} is left out: ${why}.`,
    fix: `Without it the sidecar gets one for ${needed.join(' and ')} from Let's Encrypt; where that cannot be, name files that fit.`,
  });
  return { entry: { ...entry('certificate', value, only.place), proposed: true }, carry, findings };
}

function findCertificate(hosts: Hosts, host: string): SiteCertificate | undefined {
  const port = hosts.ports(host, true).includes(443) ? 443 : hosts.ports(host, true)[0];
  return port === undefined ? undefined : hosts.choose(host, port)?.certificates[0];
}

function listCarried({ cert, key }: SiteCertificate, looks: CertificateLooks): readonly string[] {
  const lineage = LINEAGE.exec(cert)?.[1];
  if (lineage !== undefined) return [lineage];
  const look = looks.get(cert);
  return look?.kind === 'found' && look.acme ? [cert, key] : [];
}

function lintName(host: string, { cert, place }: SiteCertificate, looks: CertificateLooks): Finding[] {
  const look = looks.get(cert);
  if (look?.kind !== 'found' || look.covers(host)) return [];
  const what = `The certificate in ${cert} is for ${look.names.join(', ')}, not for ${host}: other servers refuse it.`;
  const fix = `The sidecar gets one for ${host} where its certificates come from a CA.`;
  return [{ id: 'import-certificate-name', severity: 'error', place, what, fix }];
}
