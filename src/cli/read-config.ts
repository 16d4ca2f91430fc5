import type { Config } from '../config/config.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { readFileUpTo } from '../config/read-file.ts';
import type { ReadFile } from '../config/secret-file.ts';
import type { CliIo } from './io.ts';

/** The help text of `--config`, the same for every command that takes it. */
export const CONFIG_OPTION_HELP = 'the configuration; else config/sidecar.yaml if it exists, else the environment';

/**
 * Loads the configuration for a command. Notices and problems are printed on stderr; with problems the result is
 * undefined and the exit code 1.
 */
export function readConfigOrReport(io: CliIo, file: string | undefined): Config | undefined {
  return loadOrReport(io, file)?.config;
}

/** The same, with what else is known of it. `readFile` reads the configuration and the secrets that it names. */
export function loadOrReport(
  io: CliIo,
  file: string | undefined,
  readFile: ReadFile = readFileUpTo,
): Extract<LoadedConfig, { ok: true }> | undefined {
  const loaded = loadConfig({ file, env: io.env, cwd: io.cwd, readFile, readSynapse: readFileUpTo });
  for (const notice of loaded.notices) io.stderr(`note: ${notice}\n`);
  if (loaded.ok) return loaded;
  io.stderr(formatConfigProblems(loaded.problems));
  io.exitCode = 1;
  return undefined;
}
