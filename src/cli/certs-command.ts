import type { Command } from 'commander';
import { realSystem, type System } from '../base/system.ts';
import { type ExportTarget, exportCertificate } from './certs/export-certificate.ts';
import { importCertificates } from './certs/import-certificates.ts';
import { listCertificates } from './certs/list-certificates.ts';
import { withCertificateStore } from './certs/open-certificate-store.ts';
import { renewCertificates } from './certs/renew-certificates.ts';
import { type CliIo, wireCommand } from './io.ts';
import { CONFIG_OPTION_HELP } from './read-config.ts';

interface ExportOptions {
  readonly config?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pkcs12?: string;
  readonly passwordFile?: string;
  readonly force?: boolean;
}

/** Adds `certs list`, `certs renew`, `certs import` and `certs export` to the program. */
export function addCertsCommand(program: Command, io: CliIo, system: System = realSystem): void {
  const certs = wireCommand(program.command('certs'), io).description('List, renew, import or export certificates');
  certs
    .command('list')
    .description('Every certificate that is needed: why, for how long it is good, and when the next one is ordered')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .option('--json', 'for machines')
    .action(({ config, json }: { config?: string; json?: boolean }) =>
      withCertificateStore(io, system, config, (context) => listCertificates(context, json === true)),
    );
  certs
    .command('renew')
    .description('Have certificates from a CA renewed now, by the sidecar that is running')
    .argument('[name...]', 'server names or host names; all when none is given')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .option('--no-wait', 'do not wait for the new certificate')
    .action((names: string[], { config, wait }: { config?: string; wait: boolean }) =>
      withCertificateStore(io, system, config, (context) => renewCertificates(context, names, wait)),
    );
  certs
    .command('import')
    .description('Take over certificates from certbot, Caddy or files, so that none has to be ordered')
    .argument('<path...>', "certbot's or Caddy's folder, or files with certificates and keys (PEM, PKCS#12)")
    .option('--config <file>', CONFIG_OPTION_HELP)
    .option('--password-file <file>', 'the password of PKCS#12 files')
    .action((paths: string[], { config, passwordFile }: { config?: string; passwordFile?: string }) =>
      withCertificateStore(io, system, config, (context) => importCertificates(context, paths, passwordFile)),
    );
  certs
    .command('export')
    .description('Print the chain of a certificate as PEM, or write it with its key into files')
    .argument('<name>', 'a server name or a host name')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .option('--cert <file>', 'write the chain into this file (PEM)')
    .option('--key <file>', 'write the private key into this file (PEM)')
    .option('--pkcs12 <file>', 'write chain and key into this file')
    .option('--password-file <file>', 'the password that the PKCS#12 file shall have')
    .option('--force', 'replace files that exist')
    .action((name: string, options: ExportOptions, command: Command) => {
      const target = readTarget(options, command);
      return withCertificateStore(io, system, options.config, (context) =>
        exportCertificate(context, name, target, options.force === true),
      );
    });
}

/** Throws commander's error for options that do not go together. */
function readTarget({ cert, key, pkcs12, passwordFile }: ExportOptions, command: Command): ExportTarget {
  const pem = cert !== undefined || key !== undefined;
  if (pkcs12 !== undefined && pem) command.error('error: give --pkcs12, or --cert and --key, but not both');
  if (pkcs12 !== undefined && passwordFile === undefined) command.error('error: --pkcs12 needs --password-file <file>');
  if (pkcs12 === undefined && passwordFile !== undefined) command.error('error: --password-file belongs to --pkcs12');
  if (pkcs12 !== undefined && passwordFile !== undefined) return { kind: 'pkcs12', file: pkcs12, passwordFile };
  if (!pem) return { kind: 'stdout' };
  if (cert === undefined || key === undefined) command.error('error: --cert and --key go together');
  return { kind: 'pem', cert, key };
}
