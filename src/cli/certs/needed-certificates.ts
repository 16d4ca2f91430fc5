import { type NameSet, normaliseName } from '../../acme/names.ts';
import { listAcmeSets } from '../../app/acme-sets.ts';
import { listNeededNames, type NeededName } from '../../app/certificate-names.ts';
import { planCertificates } from '../../app/certificate-plan.ts';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import type { Config } from '../../config/config.ts';
import type { CertificateFilesSource } from '../../tls/read-certificate-files.ts';

/** A certificate that the configuration needs: for which names, for whom, why, and where it comes from. */
export interface NeededCertificate {
  /** At least one; in the form in which names are compared. */
  readonly names: readonly string[];
  /** The server names that need it, as written. */
  readonly servers: readonly string[];
  readonly why: string;
  readonly source:
    | { readonly kind: 'acme'; readonly set: NameSet }
    | { readonly kind: 'files'; readonly files: CertificateFilesSource; readonly listener: 'all' | 'federation' }
    | { readonly kind: 'local' };
}

/** As a sentence names them at most. */
const MOST_NAMED = 20;

/** Every certificate that a configuration needs, those of the CA first. Pure. */
export function listNeededCertificates(config: Config): NeededCertificate[] {
  return [
    ...listAcmeSets(config).map((set) => ({
      names: set.names,
      servers: set.servers,
      why: set.why,
      source: { kind: 'acme', set } as const,
    })),
    ...listOtherCertificates(config),
  ];
}

function listOtherCertificates(config: Config): NeededCertificate[] {
  return planCertificates(config).flatMap(({ names, listener, source }): NeededCertificate[] => {
    if (source.kind === 'given') return [];
    const owners = config.servers.filter((server) =>
      source.kind === 'local'
        ? server.certificate === undefined
        : server.certificate === source.files || server.federationCertificate === source.files,
    );
    const servers = owners.map(({ serverName }) => serverName.text);
    const needed = owners.flatMap(listNeededNames);
    const normal = names.map(normaliseName);
    if (source.kind === 'local') {
      const why = `One certificate of the development CA for ${servers.join(' and ')}: ${explainNames(normal, needed)}.`;
      return [{ names: normal, servers, why, source }];
    }
    const setting = listener === 'all' ? 'certificate' : 'federation_certificate';
    const why = `The ${setting} that you give for ${servers.join(' and ')}: ${explainNames(normal, needed)}.`;
    return [{ names: normal, servers, why, source: { ...source, listener } }];
  });
}

function explainNames(names: readonly string[], needed: readonly NeededName[]): string {
  return names
    .map((name) => {
      const why = needed.find((one) => normaliseName(one.name) === name)?.why;
      return `${name} because ${why ?? (isLocal(name) ? 'it is this machine' : 'other servers check it on the federation port')}`;
    })
    .join('; ');
}

function isLocal(name: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(name);
}

/**
 * Those that are meant by a server name or by a host name on them; or one sentence that names what there is. A host
 * name goes before a server name: the host's own certificate is meant, and not every one that its server has.
 */
export function findCertificates(
  needed: readonly NeededCertificate[],
  name: string,
): Parsed<readonly [NeededCertificate, ...NeededCertificate[]]> {
  const host = normaliseName(name);
  const byHost = needed.filter(({ names }) => names.includes(host));
  const byServer = needed.filter(({ servers }) =>
    servers.some((server) => server.toLowerCase() === name.toLowerCase()),
  );
  const [first, ...others] = byHost.length > 0 ? byHost : byServer;
  if (first !== undefined) return good([first, ...others]);
  const known = [...new Set(needed.flatMap(({ names, servers }) => [...servers, ...names]))];
  const more = known.length > MOST_NAMED ? ` and ${known.length - MOST_NAMED} more` : '';
  return bad(
    `No certificate of this configuration is for ${JSON.stringify(name)}; there are ${known.slice(0, MOST_NAMED).join(', ')}${more}.`,
  );
}
