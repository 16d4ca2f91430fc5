import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '../../src/cli/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';

export const GOLDEN = join(import.meta.dirname, '../golden/import');

export interface Imported {
  readonly code: number;
  readonly yaml: string;
  readonly said: string;
}

/** Runs `import ARGUMENTS` as main would, with nothing in the environment. */
export async function runImport(args: readonly string[], cwd = tmpdir()): Promise<Imported> {
  let [yaml, said] = ['', ''];
  const io: CliIo = {
    ...{ env: {}, cwd, isTerminal: false, colour: false, exitCode: 0 },
    stdout(text) {
      yaml += text;
    },
    stderr(text) {
      said += text;
    },
  };
  await runCommandLine(['import', ...args], io);
  return { code: io.exitCode, yaml, said };
}

/** Every example of a program, by the name that its YAML and its findings have as well. */
export function listExamples(program: 'nginx' | 'caddy'): readonly { readonly name: string; readonly path: string }[] {
  return readdirSync(join(GOLDEN, program), { withFileTypes: true }).flatMap((entry) => {
    const name = /^(.*?)(\.conf|\.caddyfile|\.json)?$/.exec(entry.name)![1]!;
    const is = entry.isDirectory() || /\.(conf|caddyfile|json)$/.test(entry.name);
    return is ? [{ name, path: entry.name }] : [];
  });
}
