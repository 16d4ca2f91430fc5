import { resolve } from 'node:path';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import { readFileUpTo } from '../../config/read-file.ts';
import { readSecretFile } from '../../config/secret-file.ts';
import type { Certificate } from '../../tls/certificate.ts';
import { writePkcs12 } from '../../tls/write-pkcs12.ts';
import { findCertificates, listNeededCertificates } from './needed-certificates.ts';
import { type CertsContext, fail } from './open-certificate-store.ts';
import { type NewFile, placeFiles } from './place-files.ts';
import { readPresent } from './read-certificates.ts';

/** Paths as they were given. */
export type ExportTarget =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'pem'; readonly cert: string; readonly key: string }
  | { readonly kind: 'pkcs12'; readonly file: string; readonly passwordFile: string };

/** `certs export`: the chain on stdout, or chain and key in files. */
export async function exportCertificate(
  context: CertsContext,
  name: string,
  target: ExportTarget,
  force: boolean,
): Promise<void> {
  const { io, system } = context;
  const certificate = await readNamed(context, name);
  if (!certificate.ok) return fail(io, certificate.why);
  if (target.kind === 'stdout') return io.stdout(certificate.value.chainPem);
  const files = await renderFiles(context, certificate.value, target);
  if (!files.ok) return fail(io, files.why);
  const placed = await placeFiles(files.value, force, { system });
  if (!placed.ok) return fail(io, placed.why);
  const shown = target.kind === 'pem' ? `${target.cert} and its key to ${target.key}` : target.file;
  const names = [...certificate.value.dnsNames, ...certificate.value.ipAddresses].join(', ');
  io.stdout(`Wrote the certificate for ${names} to ${shown}.\n`);
  io.stdout('These copies are not renewed: export them again after each renewal.\n');
}

async function readNamed({ config, store, system }: CertsContext, name: string): Promise<Parsed<Certificate>> {
  const found = findCertificates(listNeededCertificates(config), name);
  if (!found.ok) return bad(found.why);
  // A certificate that is for the federation port alone never is what a name means while there is another.
  const everywhere = found.value.filter(({ source }) => source.kind !== 'files' || source.listener === 'all');
  const [needed = found.value[0], another] = everywhere;
  if (another !== undefined) {
    const choices = everywhere.map(({ names }) => names[0]).join(' or ');
    return bad(`${name} has ${everywhere.length} certificates; say which one: ${choices}.`);
  }
  const { certificate, findings } = await readPresent(needed, store, system.now());
  if (certificate !== undefined) return good(certificate);
  const [finding] = findings;
  return bad(
    finding === undefined
      ? `There is no certificate for ${needed.names.join(', ')} yet; \`certs list\` says when there will be one.`
      : `${finding.what} ${finding.fix}`,
  );
}

async function renderFiles(
  { io, system }: CertsContext,
  certificate: Certificate,
  target: Exclude<ExportTarget, { kind: 'stdout' }>,
): Promise<Parsed<readonly NewFile[]>> {
  const at = (path: string): string => resolve(io.cwd, path);
  if (target.kind === 'pem') {
    if (at(target.cert) === at(target.key)) return bad('--cert and --key name the same file; give two.');
    return good([
      { path: at(target.cert), bytes: Buffer.from(certificate.chainPem) },
      { path: at(target.key), bytes: Buffer.from(certificate.keyPem) },
    ]);
  }
  const password = readSecretFile(at(target.passwordFile), readFileUpTo);
  if (!password.ok) return bad(`The password file ${target.passwordFile} ${password.why}. ${password.fix}.`);
  return good([{ path: at(target.file), bytes: await writePkcs12(certificate, password.text, { system }) }]);
}
