import { type Command, Option } from 'commander';
import type { Advice } from '../advise/advice.ts';
import { renderAdvice } from '../advise/render-human.ts';
import { renderAdviceJson } from '../advise/render-json.ts';
import { WEBSITES } from '../advise/website/list-snippets.ts';
import { realSystem, type System } from '../base/system.ts';
import { findFacts } from './advise/find-facts.ts';
import { gatherAdvice } from './advise/gather-advice.ts';
import { readWatchOptions, runWatch, type WatchOptions, type WrittenWatchOptions } from './advise/run-watch.ts';
import { createPaint } from './demo/demo-text.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP, readConfigOrReport } from './read-config.ts';

interface AdviseOptions extends WrittenWatchOptions {
  readonly config?: string;
  readonly web?: string;
  readonly watch?: boolean;
}

/** Adds `advise` to the program. */
export function addAdviseCommand(program: Command, io: CliIo, system: System = realSystem): void {
  const again = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
  program
    .command('advise')
    .description(
      'What to publish for each server name, and why: well-known documents, DNS records, certificates, ports',
    )
    .argument('[server_name...]', 'of the configuration; all when none is given')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .addOption(
      new Option('--format <format>', 'for people or for machines').choices(['human', 'json']).default('human'),
    )
    .addOption(
      new Option('--web <server>', 'ready-made configuration for the web server of an apex that is elsewhere').choices([
        ...WEBSITES,
        'all',
      ]),
    )
    .option('--watch', 'wait until all of it is live from outside, say what is missing when that changes, then exit 0')
    .option('--timeout <duration>', 'give up watching after this long (90s, 2h), with exit code 1')
    .option('--dns <host:port>', 'ask this DNS server, an address, and none that remembers')
    .option('--connect-to <host1:port1:host2:port2>', 'connect to the second pair for the first, as in curl', again)
    .option('--ca-file <pem>', 'trust this authority as well (a private federation)')
    .action(async (names: string[], options: AdviseOptions, command: Command) => {
      const watch = options.watch === true ? readWatchOptions(options, io, command) : undefined;
      await runAdvise(names, options, watch, { io, system });
    });
}

async function runAdvise(
  names: readonly string[],
  options: AdviseOptions,
  watch: WatchOptions | undefined,
  { io, system }: { readonly io: CliIo; readonly system: System },
): Promise<void> {
  const config = readConfigOrReport(io, options.config);
  if (config === undefined) return;
  const unknown = names.find((name) => !config.servers.some(({ serverName }) => serverName.text === name));
  if (unknown !== undefined) {
    const known = config.servers.map(({ serverName }) => serverName.text).join(', ');
    io.stderr(`No server of this configuration is called ${JSON.stringify(unknown)}.\nThere are: ${known}.\n`);
    io.exitCode = 1;
    return;
  }
  const advice = gatherAdvice(config, await findFacts(config, io, system));
  const wanted = names.length === 0 ? advice : advice.filter(({ serverName }) => names.includes(serverName));
  if (options.web !== undefined && wanted.every(({ website }) => website.length === 0))
    io.stderr('note: --web has no effect: this sidecar answers for every server name itself (apex: here)\n');
  if (watch === undefined) io.stdout(render(wanted, options, io));
  else await runWatch(config, wanted, watch, { io, system });
}

function render(advice: readonly Advice[], { format, web }: AdviseOptions, io: CliIo): string {
  if (format === 'json') return renderAdviceJson(advice);
  const websites = web === 'all' ? WEBSITES : web === undefined ? [] : [web];
  return renderAdvice(advice, { paint: createPaint(io.colour), websites, known: WEBSITES });
}
