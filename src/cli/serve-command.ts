import type { Command } from 'commander';
import { readFileUpTo } from '../config/read-file.ts';
import { recordFiles } from '../config/recorded-files.ts';
import { countProcesses } from './count-processes.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP, loadOrReport } from './read-config.ts';

/** `serve`: the sidecar itself, until SIGTERM or SIGINT. SIGHUP reloads. */
export function addServeCommand(program: Command, io: CliIo): void {
  program
    .command('serve')
    .description('run the sidecar: TLS, well-known documents, forwarding')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .action(async (options: { config?: string }) => serve(options.config, io));
}

async function serve(file: string | undefined, io: CliIo): Promise<void> {
  const recorded = recordFiles(readFileUpTo);
  const loaded = loadOrReport(io, file, recorded.readFile);
  if (loaded === undefined) return;
  // Each loads what it needs: one process alone nothing of several, and the one that supervises nothing of serving.
  if (countProcesses(loaded.config) === 1) {
    const { serveAlone } = await import('./serve-alone.ts');
    return serveAlone(loaded, file, io);
  }
  const { serveSeveral } = await import('./serve-several.ts');
  return serveSeveral({ ...loaded, files: recorded.files }, file, io);
}
