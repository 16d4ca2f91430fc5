import type { Command } from 'commander';
import type { CliIo } from './io.ts';

/** `demo`: three servers that federate on this machine, checked live; stays until Ctrl-C. */
export function addDemoCommand(program: Command, io: CliIo): void {
  program
    .command('demo')
    .description('a private federation of three servers on this machine, checked live')
    .option('--once', 'exit after the checks: 0 if all passed, 1 if not')
    .action(async (options: { once?: boolean }) => {
      // Loaded when it is needed: other commands start without it.
      const { runDemo } = await import('./demo/run-demo.ts');
      await runDemo(options.once === true, io);
    });
}
