import { type FileHandle, open, readdir } from 'node:fs/promises';
import { describeError, errorCode, SidecarError } from '../base/errors.ts';
import type { Certificate } from '../tls/certificate.ts';
import { unreadable } from '../tls/pem-certificate.ts';

/** A certificate that another program, or a person, left on this machine. */
export interface FoundCertificate {
  /** The file with the certificate, for messages. */
  readonly where: string;
  readonly program: 'certbot' | 'Caddy' | undefined;
  /** The directory's URL of the CA that signed it, where that is written beside it. */
  readonly directory: string | undefined;
  /** The certificate, or why it cannot be read. */
  readonly outcome: Certificate | SidecarError;
  /** Why it is of no use whatever is in it: one sentence. */
  readonly useless?: string | undefined;
}

/** Chains have kilobytes. */
const LARGEST = 1_048_576;
/** No certbot or Caddy has more certificates, and nobody wants to wait for more. */
const MOST_ENTRIES = 10_000;

/** The bytes of a file that is to be taken over. Rejects with a SidecarError, also for what is no plain file. */
export async function readFoundFile(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat().then((seen) => (seen.isFile() ? seen : { size: Number.POSITIVE_INFINITY }));
    if (size > LARGEST) throw unreadable(`${path} is no certificate file`, { hint: 'Name the file itself.' });
    return await file.readFile();
  } catch (error) {
    throw error instanceof SidecarError ? error : explain(error, path);
  } finally {
    await file?.close();
  }
}

/** What is in a folder, sorted by name; undefined where there is no such folder. Rejects with a SidecarError. */
export async function listFoundFolder(
  path: string,
): Promise<readonly { readonly name: string; readonly isFolder: boolean }[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .slice(0, MOST_ENTRIES)
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw explain(error, path);
  }
}

/** What `read` gives, or the SidecarError with which it rejects. */
export async function readOrExplain(read: () => Promise<Certificate>): Promise<Certificate | SidecarError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SidecarError) return error;
    throw error;
  }
}

/** The directory's URL if the text is one, as other programs write it down. */
export function readDirectoryUrl(text: unknown): string | undefined {
  return typeof text === 'string' && text.startsWith('https://') && URL.canParse(text) ? text : undefined;
}

function explain(cause: unknown, path: string): SidecarError {
  const code = errorCode(cause);
  if (code === 'ENOENT') {
    return unreadable(`${path} does not exist`, {
      hint: "Correct the path; in a container the whole folder must be mounted, because certbot's live/ holds links into its archive/.",
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const hint =
      'Run this command as a user that may read it, mostly root; the sidecar itself then needs no such right.';
    return unreadable(`${path} cannot be read: permission denied`, { hint, cause });
  }
  return unreadable(`${path} cannot be read: ${describeError(cause)}`, { hint: 'Check what it is.', cause });
}
