import { basename, join } from 'node:path';
import { planCertificatesAlone } from '../../import/plan-certificates-alone.ts';
import type { ImportHints, ImportPlan } from '../../import/plan-import.ts';
import type { SourceFiles } from '../../import/source-files.ts';
import { lookAtCertificates } from './look-at-certificates.ts';

/** Where a machine or a container has Caddy's storage when nobody says otherwise. */
const USUAL = '/var/lib/caddy/.local/share/caddy, in a container /data/caddy';

/** A configuration for the certificates in Caddy's storage alone, where no Caddyfile was named. */
export async function planStorages(
  storages: readonly string[],
  files: SourceFiles,
  hints: ImportHints,
): Promise<ImportPlan> {
  const found = storages.flatMap((path) => {
    const inside = basename(path) === 'certificates';
    const patterns = inside ? ['*/*/*.crt'] : ['certificates/*/*/*.crt', 'caddy/certificates/*/*/*.crt'];
    return patterns.flatMap((pattern) => files.glob(join(path, pattern)));
  });
  const pairs = found.map((cert) => ({ cert, key: cert.replace(/\.crt$/, '.key') }));
  const looks = await lookAtCertificates(pairs);
  const sources = pairs.map(({ cert }) => {
    const look = looks.get(cert);
    return { place: { file: files.show(cert), line: undefined }, names: look?.kind === 'found' ? look.names : [] };
  });
  const plan = planCertificatesAlone({ program: 'Caddy', sources, sections: [], findings: [] }, hints);
  return { ...plan, carry: storages };
}

/** The certificates of a Caddyfile's sites are in the storage: with it they are taken over, without it that is said. */
export function addStorages(plan: ImportPlan, storages: readonly string[], needed: boolean): ImportPlan {
  if (storages.length > 0 || plan.yaml === undefined || !needed)
    return { ...plan, carry: [...plan.carry, ...storages] };
  return {
    ...plan,
    findings: [
      ...plan.findings,
      {
        id: 'import-storage-not-named',
        severity: 'info',
        what: `Caddy's own certificates are in its data folder (${USUAL}), which was not named.`,
        fix: 'Name it as well, and none has to be ordered before it is due.',
      },
    ],
  };
}
