import { Command, CommanderError } from 'commander';
import { VERSION } from '../base/version.ts';
import { addAdviseCommand } from './advise-command.ts';
import { addCertsCommand } from './certs-command.ts';
import { addCheckCommand } from './check-command.ts';
import { addConfigCommand } from './config-command.ts';
import { addDemoCommand } from './demo-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { type CliIo, wireCommand } from './io.ts';
import { addServeCommand } from './serve-command.ts';

/** Runs one command line. The exit code is in `io.exitCode` afterwards: 2 for wrong usage. */
export async function runCommandLine(args: readonly string[], io: CliIo): Promise<void> {
  const program = wireCommand(new Command('matrix-sidecar'), io)
    .description('TLS, certificates, well-known documents and byte-exact forwarding in front of a Matrix homeserver')
    .version(VERSION)
    .showHelpAfterError('Run with --help for what can be said here.');
  addServeCommand(program, io);
  addCheckCommand(program, io);
  addAdviseCommand(program, io);
  addDoctorCommand(program, io);
  addCertsCommand(program, io);
  addConfigCommand(program, io);
  addDemoCommand(program, io);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0; everything else that commander refuses is wrong usage.
    io.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
