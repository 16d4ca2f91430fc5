import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describeError, errorCode, SidecarError } from '../base/errors.ts';
import { adviseOwner, describeDenial } from '../base/own-user.ts';
import type { Certificate } from './certificate.ts';
import { parsePemCertificate, unreadable } from './pem-certificate.ts';

/** A certificate that the operator brings: PEM chain and key, or one PKCS#12 file. */
export type CertificateFilesSource =
  | { readonly kind: 'pem'; readonly cert: string; readonly key: string }
  | { readonly kind: 'pkcs12'; readonly file: string; readonly password: string };

/** What was in the files at one moment: a certificate, or why there is none. */
export interface Reading {
  /** Equal for equal contents, and for the same failure to read them. */
  readonly digest: string;
  readonly outcome: Certificate | SidecarError;
}

/** The files of a source. */
export function pathsOf(source: CertificateFilesSource): readonly string[] {
  return source.kind === 'pem' ? [source.cert, source.key] : [source.file];
}

/** Reads and parses the files, without checking the certificate. Never rejects. */
export async function readCertificateFiles(source: CertificateFilesSource): Promise<Reading> {
  const contents: Buffer[] = [];
  for (const path of pathsOf(source)) {
    try {
      contents.push(await readFile(path));
    } catch (error) {
      return { digest: `${errorCode(error)} ${path}`, outcome: explainReadFailure(error, path) };
    }
  }
  const hash = createHash('sha256');
  // With their lengths, so that bytes moved from one file to the other do not look the same.
  for (const content of contents) hash.update(`${content.length}:`).update(content);
  return { digest: hash.digest('hex'), outcome: await parse(source, contents) };
}

async function parse(source: CertificateFilesSource, contents: readonly Buffer[]): Promise<Certificate | SidecarError> {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = contents;
  try {
    if (source.kind === 'pem') {
      return parsePemCertificate(first.toString('latin1'), second.toString('latin1'), source.cert);
    }
    // Loaded when it is needed: node-forge takes a tenth of the time to start, and few have PKCS#12.
    const { parsePkcs12 } = await import('./pkcs12-certificate.ts');
    return parsePkcs12(first, source.password, source.file);
  } catch (error) {
    if (error instanceof SidecarError) return error;
    throw error;
  }
}

function explainReadFailure(error: unknown, path: string): SidecarError {
  const code = errorCode(error);
  const [why, hint] =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? [`${path} does not exist`, 'Correct the path; in a container the file must be mounted into it.']
      : code === 'EACCES' || code === 'EPERM'
        ? [
            `${path} cannot be read: ${describeDenial()}`,
            `${adviseOwner(path, false)}; where it has to stay another user's, let both read it and nobody else.`,
          ]
        : code === 'EISDIR'
          ? [
              `${path} is a folder, not a file`,
              'Name the file in it. (Docker makes a folder where the file to mount is missing.)',
            ]
          : [`${path} cannot be read: ${describeError(error)}`, 'Check the file system that it is on.'];
  return unreadable(why, { hint, cause: error });
}
