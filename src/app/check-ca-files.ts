import { readFile } from 'node:fs/promises';
import { readTrust } from '../acme/read-trust.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import type { LocatedFinding } from './check-certificate-files.ts';

/** The text of a file that `acme.ca_file` names. Throws a SidecarError when it cannot be read. */
export async function readCaFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new SidecarError(`acme.ca_file ${file} cannot be read: ${describeError(error)}`, {
      code: 'acme-ca-file',
      blame: 'operator',
      hint: 'Give the PEM file with the authority that signed the certificate of the ACME directory.',
      cause: error,
    });
  }
}

/** What is wrong with a file of a private CA, and where the configuration names it. */
export type CaFileFinding = Pick<LocatedFinding, 'path' | 'what' | 'fix' | 'refused'>;

/** What is wrong with the files of private CAs, of the first and of the second one: a sidecar would not start with them. */
export async function checkCaFiles({ certificates, acme }: Config): Promise<CaFileFinding[]> {
  if (certificates !== 'acme') return [];
  const named = [
    { path: ['acme', 'ca_file'], file: acme.caFile },
    { path: ['acme', 'fallback', 'ca_file'], file: acme.fallback?.caFile },
  ];
  const findings: CaFileFinding[] = [];
  for (const { path, file } of named) {
    if (file === undefined) continue;
    try {
      readTrust(await readCaFile(file));
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error;
      const { message: what, hint: fix = '' } = error;
      findings.push({ path, what, fix, refused: true });
    }
  }
  return findings;
}
