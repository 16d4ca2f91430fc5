#!/usr/bin/env node
import type { CliIo } from './cli/io.ts';
import { runCommandLine } from './cli/program.ts';

// Whoever reads may have enough before all is written, as `head` does.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
const io: CliIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  colour: process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '',
  // Some terminals say 0 for "unknown".
  columns: process.stdout.columns || undefined,
  exitCode: 0,
};
await runCommandLine(process.argv.slice(2), io);
// Not process.exit: what was written to a pipe has to get there first.
process.exitCode = io.exitCode;
