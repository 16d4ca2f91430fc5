import type { System } from '../base/system.ts';
import type { CertificateFiles, Config } from '../config/config.ts';
import { type InspectedFinding, inspectCertificateFiles } from '../tls/certificate-files.ts';
import { readTrustedRoots } from '../tls/trusted-roots.ts';
import { listNeededNames } from './certificate-names.ts';
import { namesOfPeers } from './certificate-plan.ts';

/** What is wrong with certificate files that a configuration names, and where it names them. */
export interface LocatedFinding extends InspectedFinding {
  readonly path: readonly (string | number)[];
}

/** Opens every certificate file that the configuration names, and looks at it as a sidecar that starts would. */
export async function checkCertificateFiles(config: Config, system: Pick<System, 'now'>): Promise<LocatedFinding[]> {
  const named = config.servers.flatMap((server, index) => [
    {
      path: ['servers', index, 'certificate'],
      files: server.certificate,
      names: listNeededNames(server).map(({ name }) => name),
    },
    {
      path: ['servers', index, 'federation_certificate'],
      files: server.federationCertificate,
      names: namesOfPeers(server),
    },
  ]);
  const given = named.flatMap(({ files, ...one }) => (files === undefined ? [] : [{ ...one, files }]));
  // Read once for all, and not at all where there are no files.
  const roots = given.length === 0 ? [] : readTrustedRoots();
  const look = (files: CertificateFiles, names: readonly string[]) =>
    inspectCertificateFiles(files, { names, now: system.now(), roots });
  const found = given.map(async ({ path, files, names }) =>
    (await look(files, names)).map((finding) => ({ ...finding, path })),
  );
  return (await Promise.all(found)).flat();
}
