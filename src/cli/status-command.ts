import { type Command, Option } from 'commander';
import type { Status } from '../admin/status.ts';
import { viewStatus } from '../admin/view/status-view.ts';
import { stayAlive } from '../base/stay-alive.ts';
import { realSystem, type System } from '../base/system.ts';
import { VERSION } from '../base/version.ts';
import { askStatus } from '../doctor/ask-status.ts';
import { tameLine } from '../federation-tester/quote.ts';
import type { JsonObject } from '../matrix/json.ts';
import { fail } from './certs/open-certificate-store.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP, readConfigOrReport } from './read-config.ts';
import { renderStatus } from './status/render-status.ts';

interface StatusOptions {
  readonly config?: string;
  readonly format: 'human' | 'json';
}

/** Adds `status` to the program. */
export function addStatusCommand(program: Command, io: CliIo, system: System = realSystem): void {
  program
    .command('status')
    .description(
      'How the running sidecar is: certificates, homeservers, traffic, last warnings; exit code 0 if all is well',
    )
    .option('--config <file>', CONFIG_OPTION_HELP)
    .addOption(new Option('--format <format>', 'how to print').choices(['human', 'json']).default('human'))
    .action(async (options: StatusOptions) => {
      const letGo = stayAlive();
      try {
        await showStatus(options, io, system);
      } finally {
        letGo();
      }
    });
}

async function showStatus({ config: file, format }: StatusOptions, io: CliIo, system: System): Promise<void> {
  const config = readConfigOrReport(io, file);
  if (config === undefined) return;
  const admin = config.listen.admin[0];
  if (admin === undefined)
    return fail(
      io,
      'The admin listener is off (listen.admin), so a running sidecar cannot be asked.',
      'Set listen.admin: 127.0.0.1:9010 and reload the sidecar; "matrix-sidecar doctor" looks at the rest without it.',
    );
  const answer = await askStatus(admin, { system, signal: new AbortController().signal });
  if (!answer.ok)
    return fail(
      io,
      `No sidecar answers at ${answer.at} (listen.admin): ${answer.words}.`,
      'Run this where the sidecar runs ("docker compose exec sidecar matrix-sidecar status"), or start it: "matrix-sidecar serve".',
    );
  const { status } = answer;
  if (format === 'json') io.stdout(`${JSON.stringify(status, null, 2)}\n`);
  else if (isOurs(status))
    io.stdout(renderStatus(viewStatus(status), { colour: io.colour, columns: io.columns ?? COLUMNS }));
  else
    return fail(
      io,
      sayOther(String(status['version'])),
      'Restart the sidecar to have the same, or read it with --format json.',
    );
  if (!isWell(status)) io.exitCode = 1;
}

/** The width of what is no terminal. */
const COLUMNS = 100;

/** Another release may say other things. */
function isOurs(status: JsonObject): status is JsonObject & Status {
  const has = (key: string): boolean => status[key] !== undefined;
  return (
    status['version'] === VERSION && ['at', 'verdict', 'traffic', 'peers', 'saved', 'warnings', 'logged'].every(has)
  );
}

function sayOther(version: string): string {
  const theirs = tameLine(version.slice(0, 40));
  return theirs === VERSION
    ? `The running sidecar calls itself version ${theirs}, as this command does, and says other things.`
    : `The running sidecar is version ${theirs}, and this command is ${VERSION}: it cannot show what that one says.`;
}

function isWell(status: JsonObject): boolean {
  const verdict = status['verdict'];
  return typeof verdict === 'object' && verdict !== null && (verdict as JsonObject)['ok'] === true;
}
