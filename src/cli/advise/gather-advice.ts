import { join } from 'node:path';
import { limitsOfCa } from '../../acme/ca-limits.ts';
import { normaliseName, readIdentifier } from '../../acme/names.ts';
import { whyNotPublic } from '../../acme/public-name.ts';
import type { Advice } from '../../advise/advice.ts';
import { adviseServer } from '../../advise/advise-server.ts';
import type { AdvisedCertificate, Deployment, DnsFacts } from '../../advise/advised-server.ts';
import { listNeededNames } from '../../app/certificate-names.ts';
import type { BindAddress } from '../../base/address.ts';
import type { Config, ServerConfig } from '../../config/config.ts';
import { writeSize } from '../../config/write-quantity.ts';
import { pathsOf } from '../../tls/read-certificate-files.ts';
import { listNeededCertificates, type NeededCertificate } from '../certs/needed-certificates.ts';

/** What advice depends on that no configuration says. */
export interface FoundFacts {
  /** Our account at the CA; undefined where there is none yet, or it cannot be read. */
  readonly accountUrl: string | undefined;
  /** Where acme-dns keeps the record of a name; undefined for other providers. */
  readonly acmeDnsName: (name: string) => string | undefined;
}

/** Under which name CAA and `_validation-persist` records know an authority, by its directory's host. */
const ISSUERS: Readonly<Record<string, string>> = {
  'acme-v02.api.letsencrypt.org': 'letsencrypt.org',
  'acme-staging-v02.api.letsencrypt.org': 'letsencrypt.org',
  'acme.zerossl.com': 'sectigo.com',
  'dv.acme-v02.api.pki.goog': 'pki.goog',
};

/** Advice for every server of a configuration, in its order. Pure. */
export function gatherAdvice(config: Config, found: FoundFacts): readonly Advice[] {
  const deployment = describeDeployment(config, found);
  const needed = listNeededCertificates(config);
  return config.servers.map((server) => adviseServer(server, certificatesOf(server, needed, config), deployment));
}

function describeDeployment({ listen, acme, limits }: Config, found: FoundFacts): Deployment {
  const portsOf = (addresses: readonly BindAddress[]): number[] => [...new Set(addresses.map(({ port }) => port))];
  return {
    ports: { https: portsOf(listen.https), federation: portsOf(listen.federation), http: portsOf(listen.http) },
    acme: {
      ca: limitsOfCa(acme.directory).ca,
      issuer: ISSUERS[new URL(acme.directory).hostname],
      challenges: acme.challenges,
      accountUrl: found.accountUrl,
      dns: describeProvider(acme.dns, found),
    },
    upload: { bytes: limits.upload, text: writeSize(limits.upload) },
    whyNotPublic: (name) => whyNotPublic(readIdentifier(name).identifier),
  };
}

function describeProvider(dns: Config['acme']['dns'], { acmeDnsName }: FoundFacts): DnsFacts | undefined {
  if (dns === undefined) return undefined;
  const zone = dns.provider === 'rfc2136' ? dns.zone : undefined;
  return { provider: dns.provider, zone, writesAt: dns.provider === 'acme-dns' ? acmeDnsName : () => undefined };
}

/** The certificates that one server needs; of one that it shares with others, the names that it needs itself. */
function certificatesOf(
  server: ServerConfig,
  needed: readonly NeededCertificate[],
  config: Config,
): readonly AdvisedCertificate[] {
  const reasons = new Map(listNeededNames(server).map(({ name, why }) => [normaliseName(name), why]));
  return needed
    .filter(({ servers }) => servers.includes(server.serverName.text))
    .map(({ names, source }) => ({
      names: names.flatMap((name) => {
        const why = reasons.get(name);
        return why === undefined ? [] : [{ name, why }];
      }),
      source: describeSource(source, config),
    }));
}

function describeSource(source: NeededCertificate['source'], { acme, store }: Config): AdvisedCertificate['source'] {
  if (source.kind === 'acme') return { kind: 'acme', profile: source.set.requiredProfile ?? acme.profile };
  if (source.kind === 'files') return { kind: 'files', paths: pathsOf(source.files), listener: source.listener };
  const root = 'development-ca/root.pem';
  return { kind: 'local', root: store.kind === 'files' ? join(store.folder, root) : root };
}
