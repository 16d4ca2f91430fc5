import type { Config } from '../config/config.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { loadConfig } from '../config/load-config.ts';
import type { CliIo } from './io.ts';

/** The help text of `--config`, the same for every command that takes it. */
export const CONFIG_OPTION_HELP = 'the configuration; else config/sidecar.yaml if it exists, else the environment';

/**
 * Loads the configuration for a command. Notices and problems are printed on stderr; with problems the result is
 * undefined and the exit code 1.
 */
export function readConfigOrReport(io: CliIo, file: string | undefined): Config | undefined {
  const loaded = loadConfig({ file, env: io.env, cwd: io.cwd });
  for (const notice of loaded.notices) io.stderr(`note: ${notice}\n`);
  if (loaded.ok) return loaded.config;
  io.stderr(formatConfigProblems(loaded.problems));
  io.exitCode = 1;
  return undefined;
}
