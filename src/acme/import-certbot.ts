import { basename, dirname, join } from 'node:path';
import { parsePemCertificate } from '../tls/pem-certificate.ts';
import {
  type FoundCertificate,
  listFoundFolder,
  readDirectoryUrl,
  readFoundFile,
  readOrExplain,
} from './import-found.ts';

/**
 * The certificates in certbot's folder (mostly /etc/letsencrypt), in the `live` folder in it, or in one certificate's
 * folder in that. Undefined where the folder is none of these. Rejects with a SidecarError when it cannot be read.
 */
export async function findCertbotCertificates(folder: string): Promise<FoundCertificate[] | undefined> {
  if (basename(dirname(folder)) === 'live' && (await listFoundFolder(folder)) !== undefined) {
    return [await readLineage(dirname(dirname(folder)), basename(folder))];
  }
  const root = basename(folder) === 'live' ? dirname(folder) : folder;
  const live = await listFoundFolder(join(root, 'live'));
  if (live === undefined) return undefined;
  const found: FoundCertificate[] = [];
  for (const { name, isFolder } of live) if (isFolder) found.push(await readLineage(root, name));
  return found;
}

async function readLineage(root: string, name: string): Promise<FoundCertificate> {
  const folder = join(root, 'live', name);
  const where = join(folder, 'fullchain.pem');
  return {
    where,
    program: 'certbot',
    directory: await readServer(join(root, 'renewal', `${name}.conf`)),
    outcome: await readOrExplain(async () => {
      const [chain, key] = [await readFoundFile(where), await readFoundFile(join(folder, 'privkey.pem'))];
      return parsePemCertificate(chain.toString('latin1'), key.toString('latin1'), where);
    }),
  };
}

/** `server` in the section [renewalparams]; undefined where the file says nothing, or is not there. */
async function readServer(path: string): Promise<string | undefined> {
  const text = await readFoundFile(path).then(
    (bytes) => bytes.toString('utf8'),
    // Without it the certificate is as good as with it: the configured CA is taken for its own.
    () => '',
  );
  return readDirectoryUrl(/^[ \t]*server[ \t]*=[ \t]*(\S+)[ \t]*\r?$/m.exec(text)?.[1]);
}
