import { stat } from 'node:fs/promises';
import { describeError, errorCode } from '../base/errors.ts';
import { unreadable } from '../tls/pem-certificate.ts';
import { findCaddyCertificates } from './import-caddy.ts';
import { findCertbotCertificates } from './import-certbot.ts';
import { listCertificateFiles, readCertificateFilesFound } from './import-files.ts';
import type { FoundCertificate } from './import-found.ts';

export interface SearchOptions {
  /** Of PKCS#12 files; '' where they have none. */
  readonly password: string;
  /** Directories of CAs, by which Caddy's folders are recognised. */
  readonly knownDirectories: readonly string[];
}

/**
 * Every certificate at these absolute paths: certbot's folders, Caddy's storage, other folders with certificate files,
 * and such files. Rejects with a SidecarError when a path does not exist, cannot be read or holds nothing.
 */
export async function searchCertificates(
  paths: readonly string[],
  options: SearchOptions,
): Promise<FoundCertificate[]> {
  const found: FoundCertificate[] = [];
  const files: string[] = [];
  for (const path of paths) {
    if (await isFolder(path)) {
      const ofPrograms = [
        ...((await findCertbotCertificates(path)) ?? []),
        ...((await findCaddyCertificates(path, options.knownDirectories)) ?? []),
      ];
      found.push(...ofPrograms);
      if (ofPrograms.length > 0) continue;
      const inside = await listCertificateFiles(path);
      if (inside.length === 0) throw refuseEmpty(path);
      files.push(...inside);
    } else {
      files.push(path);
    }
  }
  return [...found, ...(await readCertificateFilesFound([...new Set(files)], options.password))];
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const why = errorCode(cause) === 'ENOENT' ? 'does not exist' : `cannot be looked at: ${describeError(cause)}`;
    const hint = 'Correct the path; in a container the file or folder must be mounted into it.';
    throw unreadable(`${path} ${why}`, { hint, cause });
  }
}

function refuseEmpty(path: string) {
  return unreadable(`There are no certificates in ${path}`, {
    hint: "Name certbot's folder (mostly /etc/letsencrypt), Caddy's storage (the folder that has certificates/ in it), or the files themselves.",
  });
}
