import type { Command } from 'commander';

/** Everything that a command has of the outside world: where it writes, and what it was started with. */
export interface CliIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether a person is watching: progress is shown only then. */
  readonly isTerminal: boolean;
  /** Whether colours are wanted: a terminal, and no NO_COLOR. */
  readonly colour: boolean;
  /** How wide the terminal is; undefined where there is none. */
  readonly columns?: number | undefined;
  /** What the process will exit with; a command sets it and returns. */
  exitCode: number;
}

/**
 * Makes a command write through `io` and never end the process: help, `--version` and wrong usage throw commander's
 * CommanderError instead, whose `exitCode` is for main to use. Subcommands made afterwards inherit it.
 */
export function wireCommand(command: Command, io: CliIo): Command {
  return command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout(text),
    writeErr: (text) => io.stderr(text),
    getOutHasColors: () => io.colour,
    getErrHasColors: () => io.colour,
  });
}

/** How a log on standard output is to look: undefined where no person watches it. */
export function readTerminal(io: CliIo): { readonly colour: boolean } | undefined {
  return io.isTerminal ? { colour: io.colour } : undefined;
}
