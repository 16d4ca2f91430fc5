import { relative } from 'node:path';
import type { Command } from 'commander';
import { checkCaFiles } from '../app/check-ca-files.ts';
import { checkCertificateFiles } from '../app/check-certificate-files.ts';
import type { BindAddress } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import { realSystem, type System } from '../base/system.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { renderSchema } from '../config/render-schema.ts';
import { writeConfig } from '../config/write-config.ts';
import { lintHomeserver } from '../synapse/lint.ts';
import { describeDeployment } from './doctor/describe-deployment.ts';
import { type CliIo, wireCommand } from './io.ts';
import { CONFIG_OPTION_HELP, loadOrReport } from './read-config.ts';

/** Adds `config check`, `config show` and `config schema` to the program. */
export function addConfigCommand(program: Command, io: CliIo, system: System = realSystem): void {
  const config = wireCommand(program.command('config'), io).description('Check, show or describe the configuration');
  config
    .command('check')
    .description('Name every problem of the configuration, each with its line and its fix')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .action(({ config: file }: { config?: string }) => checkConfig(io, system, file));
  config
    .command('show')
    .description('Print the effective configuration as YAML, with secrets redacted')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .action(({ config: file }: { config?: string }) => {
      const loaded = loadOrReport(io, file);
      if (loaded !== undefined) io.stdout(writeConfig(loaded.config, loaded.derivation));
    });
  config
    .command('schema')
    .description('Print the JSON Schema of the configuration file')
    .action(() => io.stdout(renderSchema()));
}

/** With the certificate and CA files that it names, because a sidecar that starts would look at those as well. */
async function checkConfig(io: CliIo, system: System, file: string | undefined): Promise<void> {
  const loaded = loadOrReport(io, file);
  if (loaded === undefined) return;
  const found = [...(await checkCertificateFiles(loaded.config, system)), ...(await checkCaFiles(loaded.config))];
  for (const { path, what, fix, refused } of found) {
    // Sentences of the configuration's get their dot when they are written.
    const problem = loaded.locate({ path, at: 'key', what: what.replace(/\.$/, ''), fix });
    io.stderr(`${refused ? '' : 'warning: '}${formatConfigProblems([problem])}`);
  }
  for (const finding of lintHomeservers(loaded.config)) io.stderr(formatFinding(finding));
  if (found.some(({ refused }) => refused)) io.exitCode = 1;
  else io.stdout(`ok: ${summarizeConfig(loaded.config, io.cwd)}\n`);
}

/** What in Synapse's configuration does not fit this one. It keeps no sidecar from starting. */
function lintHomeservers(config: Config): readonly Finding[] {
  const { servers } = describeDeployment(config, { homeserverYaml: [], privateAuthority: false });
  return servers.flatMap(({ synapse, facts }) => (synapse === undefined ? [] : lintHomeserver(synapse, facts)));
}

function formatFinding({ severity, place, what, fix, lines = [] }: Finding): string {
  const where = place === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: `;
  const written = lines.map((line) => `    ${line}\n`).join('');
  return `${severity === 'info' ? 'note' : 'warning'}: ${where}${what} ${fix}\n${written}`;
}

/** The configuration in one sentence. */
function summarizeConfig(config: Config, cwd: string): string {
  const servers = summarizeServers(config.servers);
  const listen = (['https', 'federation', 'http', 'admin'] as const)
    .filter((name) => config.listen[name].length > 0)
    .map((name) => `${name} ${config.listen[name].map((address: BindAddress) => address.text).join(' and ')}`);
  const certificates = { acme: `ACME (${config.acme.directory})`, local: 'a development CA', files: 'your files' };
  const source = certificates[config.certificates];
  return `${describeOrigin(config, cwd)} serves ${servers}, with certificates from ${source}, listening on ${listen.join(', ')}`;
}

function describeOrigin({ file }: Config, cwd: string): string {
  if (file === undefined) return 'the environment';
  const near = relative(cwd, file);
  return near.startsWith('..') ? file : near;
}

/** A sentence holds five names at most. */
const MOST_NAMED = 5;

function summarizeServers(servers: readonly ServerConfig[]): string {
  const named = servers.slice(0, MOST_NAMED).map(summarizeServer).join(', ');
  const more = servers.length - MOST_NAMED;
  return more > 0 ? `${named} and ${more} more` : named;
}

function summarizeServer({ serverName, homeserver, delegateTo, delegateBy }: ServerConfig): string {
  const by = { 'well-known': 'well-known', srv: 'SRV record', both: 'well-known and SRV record' }[delegateBy];
  const delegated = delegateTo === undefined ? '' : ` (delegated to ${delegateTo.text} by ${by})`;
  return `${serverName.text} at ${homeserver.text}${delegated}`;
}
