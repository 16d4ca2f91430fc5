import type { Command } from 'commander';
import { parseUpstream } from '../base/address.ts';
import { realSystem, type System } from '../base/system.ts';
import { parseServerName } from '../matrix/server-name.ts';
import type { ImportProgram, ImportRequest } from './import/run-import.ts';
import { type CliIo, wireCommand } from './io.ts';

interface WrittenOptions {
  readonly serverName?: string;
  readonly homeserver?: string;
  readonly store?: string;
}

const PROGRAMS: Readonly<Record<ImportProgram, { readonly says: string; readonly paths: string }>> = {
  nginx: {
    says: 'Read a configuration of nginx',
    paths: 'nginx.conf, the folder that it is in, or files of sites',
  },
  caddy: {
    says: 'Read a Caddyfile or a JSON configuration of Caddy',
    paths: "Caddyfile, a file that ends in .json, or Caddy's data folder with its certificates",
  },
  certbot: {
    says: "Read certbot's certificates and how they are renewed",
    paths: "certbot's folder, mostly /etc/letsencrypt",
  },
};

/** Adds `import nginx`, `import caddy` and `import certbot` to the program. */
export function addImportCommand(program: Command, io: CliIo, system: System = realSystem): void {
  const command = wireCommand(program.command('import'), io).description(
    'Print the YAML that replaces an existing set-up; what was wrong with it, and what is left out, on stderr',
  );
  for (const [name, { says, paths }] of Object.entries(PROGRAMS) as [ImportProgram, (typeof PROGRAMS)['nginx']][]) {
    command
      .command(name)
      .description(`${says}, and print the YAML that replaces it`)
      .argument('<path...>', paths)
      .option(
        '--server-name <name>',
        'what stands after the colon in @alice:example.com, where the files do not say it',
      )
      .option('--homeserver <url>', 'where the homeserver listens without TLS, where the files do not say it')
      .option('--store <store>', 'write this store into the YAML, and take the live certificates over into it at once')
      .action(async (written: readonly string[], options: WrittenOptions, self: Command) => {
        const request = readRequest(name, written, options, self);
        // Loaded when it is needed: other commands start without it.
        const { runImport } = await import('./import/run-import.ts');
        await runImport(request, io, system);
      });
  }
}

/** Throws commander's error for values that are none. */
function readRequest(
  program: ImportProgram,
  paths: readonly string[],
  { serverName, homeserver, store }: WrittenOptions,
  command: Command,
): ImportRequest {
  const name = serverName === undefined ? undefined : parseServerName(serverName);
  if (name?.ok === false) command.error(`error: --server-name ${name.why}`);
  const upstream = homeserver === undefined ? undefined : parseUpstream(homeserver);
  if (upstream?.ok === false) command.error(`error: --homeserver ${upstream.why}`);
  return {
    program,
    paths,
    serverName: name?.ok === true ? name.value.text : undefined,
    homeserver: upstream?.ok === true ? upstream.value : undefined,
    store,
  };
}
