import { join } from 'node:path';
import { SidecarError } from '../base/errors.ts';
import { keyMatches } from '../tls/certificate.ts';
import { parsePemCertificate, unreadable } from '../tls/pem-certificate.ts';
import { parsePkcs12 } from '../tls/pkcs12-certificate.ts';
import { type FoundCertificate, listFoundFolder, readFoundFile, readOrExplain } from './import-found.ts';

const LOOKS_LIKE_ONE = /\.(pem|crt|cer|key|p12|pfx)$/i;
const LOOKS_LIKE_PKCS12 = /\.(p12|pfx)$/i;

interface PemFile {
  readonly path: string;
  readonly text: string;
}

/** The files in a folder whose names end as those of certificates and keys do. */
export async function listCertificateFiles(folder: string): Promise<string[]> {
  const entries = (await listFoundFolder(folder)) ?? [];
  return entries
    .filter(({ name, isFolder }) => !isFolder && LOOKS_LIKE_ONE.test(name))
    .map(({ name }) => join(folder, name));
}

/**
 * The certificates in plain files: PKCS#12, or PEM where each finds its key among all of the files, whatever they are
 * called. Never rejects: what cannot be read is among the results.
 */
export async function readCertificateFilesFound(
  paths: readonly string[],
  password: string,
): Promise<FoundCertificate[]> {
  const found: FoundCertificate[] = [];
  const pems: PemFile[] = [];
  for (const path of paths) {
    const bytes = await readFoundFile(path).catch((error: unknown) => error);
    if (bytes instanceof SidecarError) found.push(describe(path, bytes));
    else if (!(bytes instanceof Buffer)) throw bytes;
    else if (LOOKS_LIKE_PKCS12.test(path) || !bytes.includes('-----BEGIN '))
      found.push(describe(path, await readOrExplain(async () => parsePkcs12(bytes, password, path))));
    else pems.push({ path, text: bytes.toString('latin1') });
  }
  const keys = pems.filter(({ text }) => text.includes('PRIVATE KEY-----'));
  for (const pem of pems) if (holdsCertificate(pem)) found.push(describe(pem.path, findPair(pem, keys)));
  if (found.length === 0 && keys.length > 0) {
    const hint = 'Name the file with the certificate as well.';
    found.push(
      describe(keys[0]!.path, unreadable(`${keys[0]!.path} holds a private key and no certificate`, { hint })),
    );
  }
  return found;
}

function holdsCertificate({ text }: PemFile): boolean {
  return /-----BEGIN (X509 )?CERTIFICATE-----/.test(text);
}

/** The certificate with the key that belongs to it: in its own file first. */
function findPair(pem: PemFile, keys: readonly PemFile[]): FoundCertificate['outcome'] {
  let trouble: SidecarError | undefined;
  for (const key of [...keys].sort((a, b) => Number(b === pem) - Number(a === pem))) {
    try {
      const certificate = parsePemCertificate(pem.text, key.text, pem.path);
      if (keyMatches(certificate)) return certificate;
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error;
      trouble ??= error;
    }
  }
  const hint = 'Name the file with its private key as well, in the same command.';
  return trouble ?? unreadable(`No private key that was named belongs to the certificate in ${pem.path}`, { hint });
}

function describe(where: string, outcome: FoundCertificate['outcome']): FoundCertificate {
  return { where, program: undefined, directory: undefined, outcome };
}
