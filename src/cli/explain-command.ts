import { type Command, Option } from 'commander';
import { explainRequest } from '../app/explain-request.ts';
import type { Explanation } from '../app/explanation.ts';
import { readAsked } from './explain/read-asked.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP, readConfigOrReport } from './read-config.ts';

interface WrittenOptions {
  readonly config?: string;
  readonly user?: string;
  readonly origin?: string;
  readonly from: string;
  readonly format: 'human' | 'json';
}

/** Adds `explain` to the program. */
export function addExplainCommand(program: Command, io: CliIo): void {
  program
    .command('explain')
    .description('What would become of a request: listener, route, homeserver or worker, limits, and why')
    .argument('<method>', 'GET, PUT, POST …')
    .argument('<url>', 'https://example.com/_matrix/client/v3/sync?since=s1; a port chooses the listener')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .option('--user <user_id>', 'as if with an access token of this user: @alice:example.com')
    .option('--origin <server_name>', 'as if signed by this server')
    .option('--from <address>', 'as if from this address', '203.0.113.1')
    .addOption(
      new Option('--format <format>', 'for people or for machines').choices(['human', 'json']).default('human'),
    )
    .action((method: string, url: string, options: WrittenOptions, command: Command) => {
      const config = readConfigOrReport(io, options.config);
      if (config === undefined) return;
      const asked = readAsked({ method, url, ...options }, config);
      if (!asked.ok) return command.error(`error: ${asked.why}`, { exitCode: 2 });
      io.stdout(render(explainRequest(asked.value, config), options.format));
    });
}

function render(explanation: Explanation, format: WrittenOptions['format']): string {
  if (format === 'json') return `${JSON.stringify(Object.fromEntries(explanation.map(toMember)), undefined, 2)}\n`;
  const width = Math.max(...explanation.map(([name]) => name.length));
  return explanation.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

function toMember([name, value]: Explanation[number]): readonly [string, string] {
  return [name.replaceAll(' ', '_'), value];
}
