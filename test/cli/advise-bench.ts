import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, CommanderError } from 'commander';
import type { System } from '../../src/base/system.ts';
import { addAdviseCommand } from '../../src/cli/advise-command.ts';
import { type CliIo, wireCommand } from '../../src/cli/io.ts';

export interface Ran {
  readonly code: number;
  /** The temporary folder is written FOLDER in both. */
  readonly out: string;
  readonly err: string;
  /** What lies in the working folder afterwards. */
  readonly left: readonly string[];
}

/** What a person gives to `advise`. */
export interface Given {
  readonly args?: readonly string[];
  /** The configuration's file; the environment alone when it is not given. */
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Other files below the working folder, by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly colour?: boolean;
  readonly system?: System;
  /** Told of each piece of output when it comes. */
  readonly onOutput?: (text: string) => void;
}

/** Runs `advise` as main would, in a folder of its own. */
export async function runAdvise({
  args = [],
  yaml,
  env = {},
  files = {},
  colour = false,
  system,
  onOutput,
}: Given): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'advise-command-'));
  const all = yaml === undefined ? files : { ...files, 'config/sidecar.yaml': yaml };
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  let [out, err] = ['', ''];
  const io: CliIo = {
    ...{ env, cwd: folder, isTerminal: false, colour, exitCode: 0 },
    stdout(text) {
      out += text;
      onOutput?.(text);
    },
    stderr(text) {
      err += text;
    },
  };
  const program = wireCommand(new Command('matrix-sidecar'), io);
  let left: string[] = [];
  addAdviseCommand(program, io, system);
  try {
    await program.parseAsync(['advise', ...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    io.exitCode = error.exitCode === 0 ? 0 : 2;
  } finally {
    left = readdirSync(folder);
    rmSync(folder, { recursive: true, force: true });
  }
  const hide = (text: string): string => text.replaceAll(folder, 'FOLDER');
  return { code: io.exitCode, out: hide(out), err: hide(err), left };
}

/** Where the transcript of this name is kept. */
export function transcript(name: string): string {
  return join(import.meta.dirname, '..', 'golden', 'advise', `${name}.txt`);
}

/** What was configured, and what a person saw. */
export function asTranscript({ args = [], yaml, env = {} }: Given, { code, out, err }: Ran): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value} `);
  const shown = yaml === undefined ? '' : `$ cat config/sidecar.yaml\n${yaml}`;
  const errors = err === '' ? '' : `--- stderr\n${err}`;
  return `${shown}$ ${variables.join('')}${['matrix-sidecar advise', ...args].join(' ')}\n${out}${errors}--- exit ${code}\n`;
}
