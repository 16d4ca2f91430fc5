import { basename, dirname, join } from 'node:path';
import { parsePemCertificate } from '../tls/pem-certificate.ts';
import {
  type FoundCertificate,
  listFoundFolder,
  readDirectoryUrl,
  readFoundFile,
  readOrExplain,
} from './import-found.ts';

/** What Caddy calls its own authority, which signs for names that no public CA would sign. */
const OWN_AUTHORITY = 'local';

/**
 * The certificates in Caddy's storage, in the folder that it is in (as /data in its container), or in its
 * `certificates` folder: certificates/CA/NAME/NAME.crt. Undefined where the folder is none of these. `known` are
 * directories that a CA's folder may be named after. Rejects with a SidecarError when it cannot be read.
 */
export async function findCaddyCertificates(
  folder: string,
  known: readonly string[],
): Promise<FoundCertificate[] | undefined> {
  const candidates = [
    ...(basename(folder) === 'certificates' ? [folder] : []),
    join(folder, 'certificates'),
    join(folder, 'caddy', 'certificates'),
  ];
  for (const root of candidates) {
    const found = await readStorage(root, known);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined where nothing in it looks like Caddy's. */
async function readStorage(root: string, known: readonly string[]): Promise<FoundCertificate[] | undefined> {
  const found: FoundCertificate[] = [];
  for (const authority of (await listFoundFolder(root)) ?? []) {
    if (!authority.isFolder) continue;
    for (const site of (await listFoundFolder(join(root, authority.name))) ?? []) {
      if (!site.isFolder) continue;
      const path = join(root, authority.name, site.name);
      const files = (await listFoundFolder(path)) ?? [];
      // The certificate and the key are written one after the other; without its key it is none yet.
      if (files.some(({ name }) => name === `${site.name}.crt`)) found.push(await readSite(path, known));
    }
  }
  return found.length > 0 ? found : undefined;
}

async function readSite(path: string, known: readonly string[]): Promise<FoundCertificate> {
  const stem = join(path, basename(path));
  const where = `${stem}.crt`;
  const authority = basename(dirname(path));
  return {
    where,
    program: 'Caddy',
    directory: (await readMetadata(`${stem}.json`)) ?? known.find((url) => folderOf(url) === authority.toLowerCase()),
    outcome: await readOrExplain(async () => {
      const [chain, key] = [await readFoundFile(where), await readFoundFile(`${stem}.key`)];
      return parsePemCertificate(chain.toString('latin1'), key.toString('latin1'), where);
    }),
    useless: authority === OWN_AUTHORITY ? "Caddy's own authority signed it, which nobody else trusts." : undefined,
  };
}

/** The directory's URL is `issuer_data.ca` in NAME.json; older releases did not write it. */
async function readMetadata(path: string): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse((await readFoundFile(path)).toString('utf8'));
    const issuer = (value as { issuer_data?: { ca?: unknown } } | null)?.issuer_data;
    return readDirectoryUrl(issuer?.ca);
  } catch {
    // Not there or damaged: the folder's name still tells.
    return undefined;
  }
}

/** How Caddy names a CA's folder: the directory's host and path with dashes for slashes, in lower case. */
function folderOf(directory: string): string | undefined {
  if (!URL.canParse(directory)) return undefined;
  const { host, pathname } = new URL(directory);
  const path = pathname.replaceAll('/', '-').replace(/^-+|-+$/g, '');
  return (path === '' ? host : `${host}-${path}`).toLowerCase();
}
