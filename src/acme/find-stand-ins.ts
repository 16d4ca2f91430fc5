import { isIP } from 'node:net';
import type { Store } from '../store/store.ts';
import type { Certificate } from '../tls/certificate.ts';
import { coversName } from '../tls/covers-name.ts';
import { listUnneeded } from './unneeded-sets.ts';

/**
 * Certificates for some of `names` that the store has from another configuration: for who adds a name or changes a
 * delegation, they are good until the CA has signed one for all names together. Each has only those names that it is to stand
 * in for. `needed` has the ids of the sets that the configuration has. Empty where the store cannot be read.
 */
export async function findStandIns(
  store: Pick<Store, 'list' | 'read' | 'where'>,
  names: readonly string[],
  needed: ReadonlySet<string>,
  now: number,
): Promise<readonly Certificate[]> {
  const unneeded = await listUnneeded(store, needed).catch(() => []);
  return unneeded.flatMap(({ held }) => {
    if (held === undefined || held.certificate.notAfter <= now) return [];
    const { certificate } = held;
    const covered = names.filter((name) => coversName(certificate, name));
    if (covered.length === 0) return [];
    const isAddress = (name: string): boolean => isIP(name) !== 0;
    return {
      ...certificate,
      dnsNames: covered.filter((name) => !isAddress(name)),
      ipAddresses: covered.filter(isAddress),
    };
  });
}
