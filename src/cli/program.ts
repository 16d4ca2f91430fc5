import { Command, CommanderError } from 'commander';
import { VERSION } from '../base/version.ts';
import { SERVING_PROCESS } from './count-processes.ts';
import { type CliIo, wireCommand } from './io.ts';

type AddCommand = (program: Command, io: CliIo) => void;

/** Loaded when they are asked for: all of them together take longer to load than `serve` takes to start. */
const COMMANDS: ReadonlyMap<string, () => Promise<AddCommand>> = new Map([
  ['serve', async () => (await import('./serve-command.ts')).addServeCommand],
  ['check', async () => (await import('./check-command.ts')).addCheckCommand],
  ['advise', async () => (await import('./advise-command.ts')).addAdviseCommand],
  ['explain', async () => (await import('./explain-command.ts')).addExplainCommand],
  ['doctor', async () => (await import('./doctor-command.ts')).addDoctorCommand],
  ['status', async () => (await import('./status-command.ts')).addStatusCommand],
  ['certs', async () => (await import('./certs-command.ts')).addCertsCommand],
  ['import', async () => (await import('./import-command.ts')).addImportCommand],
  ['config', async () => (await import('./config-command.ts')).addConfigCommand],
  ['demo', async () => (await import('./demo-command.ts')).addDemoCommand],
  [SERVING_PROCESS, async () => (await import('./serving-process-command.ts')).addServingProcessCommand],
]);

/** Runs one command line. The exit code is in `io.exitCode` afterwards: 2 for wrong usage. */
export async function runCommandLine(args: readonly string[], io: CliIo): Promise<void> {
  const program = wireCommand(new Command('matrix-sidecar'), io)
    .description('TLS, certificates, well-known documents and byte-exact forwarding in front of a Matrix homeserver')
    .version(VERSION)
    .showHelpAfterError('Run with --help for what can be said here.');
  const asked = COMMANDS.get(args[0] ?? '');
  for (const load of asked === undefined ? COMMANDS.values() : [asked]) (await load())(program, io);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0; everything else that commander refuses is wrong usage.
    io.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
