import { resolve } from 'node:path';
import { limitsOfCa } from '../../acme/ca-limits.ts';
import { describeInstant } from '../../acme/describe-time.ts';
import { decideImport, type ImportDecision, type TakenCertificate } from '../../acme/import-decision.ts';
import { searchCertificates } from '../../acme/import-search.ts';
import { readCertificate, writeCertificate } from '../../acme/stored-certificate.ts';
import { listAcmeSets } from '../../app/acme-sets.ts';
import { ACME_DIRECTORIES } from '../../config/acme-directory.ts';
import { readFileUpTo } from '../../config/read-file.ts';
import { readSecretFile } from '../../config/secret-file.ts';
import { readTrustedRoots } from '../../tls/trusted-roots.ts';
import { type CertsContext, fail } from './open-certificate-store.ts';
import { describeTimeLeft } from './render-list.ts';

/** `certs import`. The exit code is 1 when the store has nothing of what was found afterwards. */
export async function importCertificates(
  context: CertsContext,
  paths: readonly string[],
  passwordFile: string | undefined,
): Promise<void> {
  const { io, config, store, system } = context;
  const sets = listAcmeSets(config);
  if (sets.length === 0) {
    const how = config.certificates === 'local' ? 'local' : 'files';
    return fail(
      io,
      `This configuration gets no certificates from a CA (certificates: ${how}), so there is none to take over.`,
      'Set certificates: acme to have them renewed, or name the files as certificate of the server.',
    );
  }
  const password = passwordFile === undefined ? undefined : readSecretFile(resolve(io.cwd, passwordFile), readFileUpTo);
  if (password?.ok === false) return fail(io, `The password file ${passwordFile} ${password.why}. ${password.fix}.`);
  const { directory, fallback } = config.acme;
  const directories = [directory, ...(fallback === undefined ? [] : [fallback.directory])] as const;
  const found = await searchCertificates(
    paths.map((path) => resolve(io.cwd, path)),
    { password: password?.text ?? '', knownDirectories: [...directories, ...Object.values(ACME_DIRECTORIES)] },
  );
  const held = new Map<string, { notAfter: number; fingerprint256: string }>();
  for (const { id } of sets) {
    const stored = await readCertificate(store, id);
    if (stored !== undefined) held.set(id, stored.certificate);
  }
  const decision = decideImport(found, { sets, held, directories, now: system.now(), roots: readTrustedRoots() });
  for (const taken of decision.take) await take(context, taken);
  report(context, decision);
}

async function take({ io, store, system }: CertsContext, taken: TakenCertificate): Promise<void> {
  const { set, found, certificate, directory, notes } = taken;
  const { chainPem, keyPem, notBefore, notAfter } = certificate;
  await writeCertificate(store, set.id, { names: set.names, directory, chainPem, keyPem, issuedAt: notBefore });
  const program = found.program === undefined ? '' : ` (${found.program})`;
  const lines = [
    `taken: ${set.names.join(', ')}`,
    `  from   ${found.where}${program}`,
    `  CA     ${limitsOfCa(directory).ca}`,
    `  valid  ${describeTimeLeft(notAfter - system.now())}, until ${describeInstant(notAfter)}`,
    ...notes.map((note) => `  note   ${note}`),
  ];
  io.stdout(`${lines.join('\n')}\n`);
}

function report({ io, config }: CertsContext, { take: taken, leave }: ImportDecision): void {
  for (const { found, why } of leave) io.stdout(`not taken: ${found.where}\n  ${why}\n`);
  if (taken.length > 0) {
    io.stdout(
      'No order was spent. A running sidecar serves what was taken within a minute; the next one does at once.\n',
    );
  } else if (!leave.some(({ present }) => present)) {
    const needed = listAcmeSets(config).map(({ names }) => names.join(', '));
    const sets = needed.length === 1 ? needed[0] : needed.map((names) => `(${names})`).join(' and ');
    fail(io, `Nothing was taken over; this configuration needs a certificate for ${sets}.`);
  }
}
