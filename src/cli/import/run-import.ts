import { resolve } from 'node:path';
import type { Upstream } from '../../base/address.ts';
import { SidecarError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import { formatConfigProblems } from '../../config/format-problems.ts';
import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { planCertbot } from '../../import/certbot/plan-certbot.ts';
import { readCertbot } from '../../import/certbot/read-certbot.ts';
import { createPatternMatcher } from '../../import/pattern-matcher.ts';
import { type ImportPlan, planImport } from '../../import/plan-import.ts';
import type { Site, SiteCertificate } from '../../import/site.ts';
import { createSourceFiles } from '../../import/source-files.ts';
import { fail } from '../certs/open-certificate-store.ts';
import { createPaint } from '../demo/demo-text.ts';
import type { CliIo } from '../io.ts';
import { addStorages, planStorages } from './caddy-storage.ts';
import { carryCertificates } from './carry-certificates.ts';
import { lookAtCertificates } from './look-at-certificates.ts';
import { readCaddyFacts } from './read-caddy-facts.ts';
import { readNginxFacts } from './read-nginx-facts.ts';
import { renderFindings } from './render-findings.ts';

export type ImportProgram = 'nginx' | 'caddy' | 'certbot';

/** What the command line says. */
export interface ImportRequest {
  readonly program: ImportProgram;
  /** As written. */
  readonly paths: readonly string[];
  readonly serverName: string | undefined;
  readonly homeserver: Upstream | undefined;
  readonly store: string | undefined;
}

/** The name that the YAML has in messages about it. */
const PRINTED = 'sidecar.yaml';

/** `import`: the YAML on stdout, everything else on stderr. The exit code is 1 where there is no YAML that loads. */
export async function runImport(request: ImportRequest, io: CliIo, system: System): Promise<void> {
  try {
    const plan = await makePlan(request, io);
    // The YAML first: on a terminal, what is to be done is then what stands last.
    if (plan.yaml !== undefined) io.stdout(plan.yaml);
    if (plan.yaml !== undefined || plan.findings.length > 0) {
      const name = request.program === 'caddy' ? 'Caddy' : request.program;
      io.stderr(`\n${renderFindings(plan.findings, name, createPaint(io.colour))}\n`);
    }
    if (plan.yaml === undefined) {
      return fail(io, `Nothing in ${request.paths.join(' ')} has to do with Matrix.`, HINTS[request.program]);
    }
    const loaded = loadPrinted(plan.yaml, io);
    if (!loaded.ok) {
      io.stderr(`The YAML needs a correction before it can be used:\n${formatConfigProblems(loaded.problems)}`);
      io.exitCode = 1;
      return;
    }
    await carryCertificates({ plan, config: loaded.config, withStore: request.store !== undefined }, io, system);
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    fail(io, error.message, error.hint);
  }
}

const HINTS: Readonly<Record<ImportProgram, string>> = {
  nginx: 'Name nginx.conf or the folder that it is in (mostly /etc/nginx), so that all that it includes is read.',
  caddy: 'Name the Caddyfile, or the JSON that caddy adapt prints.',
  certbot: 'Name the folder of certbot (mostly /etc/letsencrypt).',
};

async function makePlan({ program, paths, ...hints }: ImportRequest, io: CliIo): Promise<ImportPlan> {
  const files = createSourceFiles(io.cwd);
  const absolute = paths.map((path) => resolve(io.cwd, path));
  if (program === 'certbot') {
    const folders = absolute.map((path) => readCertbot(path, files));
    const looks = await lookAtCertificates(folders.flatMap(({ lineages }) => lineages));
    return planCertbot(folders, looks, hints);
  }
  const matcher = createPatternMatcher();
  if (program === 'nginx') {
    const facts = readNginxFacts(absolute, files, matcher);
    return planImport({ ...facts, certificates: await lookAtCertificates(listNamed(facts.sites)) }, hints);
  }
  const { storages, ...facts } = readCaddyFacts(absolute, files, matcher);
  if (facts.sites.length === 0 && storages.length > 0) return planStorages(storages, files, hints);
  const plan = planImport({ ...facts, certificates: await lookAtCertificates(listNamed(facts.sites)) }, hints);
  const needsStorage = facts.sites.some(
    ({ listens, certificates }) => certificates.length === 0 && listens.some(({ tls }) => tls),
  );
  const local = facts.sections.some(({ key }) => key === 'certificates');
  return addStorages(plan, storages, needsStorage && !local);
}

function listNamed(sites: readonly Site[]): readonly SiteCertificate[] {
  return sites.flatMap(({ certificates }) => certificates);
}

/** Loads the YAML as a file of that text would be. */
function loadPrinted(yaml: string, io: CliIo): LoadedConfig {
  return loadConfig({ file: PRINTED, env: {}, cwd: io.cwd, readFile: () => Buffer.from(yaml) });
}
