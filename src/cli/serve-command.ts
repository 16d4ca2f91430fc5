import type { Command } from 'commander';
import { type Sidecar, startSidecar } from '../app/sidecar.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { realSystem } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { loadConfig } from '../config/load-config.ts';
import { createLogger } from '../observe/logger.ts';
import type { CliIo } from './io.ts';

/** `serve`: the sidecar itself, until SIGTERM or SIGINT. SIGHUP reloads. */
export function addServeCommand(program: Command, io: CliIo): void {
  program
    .command('serve')
    .description('run the sidecar: TLS, well-known documents, forwarding')
    .option('--config <file>', 'the configuration (default: config/sidecar.yaml if there is one, else the environment)')
    .action(async (options: { config?: string }) => serve(options.config, io));
}

async function serve(file: string | undefined, io: CliIo): Promise<void> {
  const read = () => loadConfig({ file, env: io.env, cwd: io.cwd });
  const first = await read();
  if (!first.ok) {
    io.stderr(`${formatConfigProblems(first.problems)}\n`);
    io.exitCode = 1;
    return;
  }
  const log = createLogger(first.config.log);
  for (const notice of first.notices) log.warn({}, notice);
  let sidecar: Sidecar;
  try {
    sidecar = await startSidecar(first.config, { system: realSystem, log });
  } catch (error) {
    io.stderr(`${explain(error)}\n`);
    io.exitCode = 1;
    return;
  }
  announce(log, first.config, sidecar);
  await runUntilStopped(sidecar, log, async () => {
    const next = await read();
    if (!next.ok) {
      log.error(
        { problems: formatConfigProblems(next.problems).split('\n') },
        'The new configuration has errors; the old one stays in force.',
      );
      return;
    }
    await sidecar.reload(next.config);
    announce(log, next.config, sidecar);
  });
}

/** Resolves when the sidecar has drained after SIGTERM or SIGINT; a second signal closes it at once. */
function runUntilStopped(sidecar: Sidecar, log: Log, reload: () => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    // One after the other: two reloads at once could each keep half of the other's listeners.
    let reloads = Promise.resolve();
    const stop = (signal: string): void => {
      if (stopping) return void sidecar.close().then(finish);
      stopping = true;
      log.info({ signal }, 'Draining: no new connections, what runs may finish.');
      void sidecar.drain().then(finish);
    };
    const onTerm = (): void => stop('SIGTERM');
    const onInt = (): void => stop('SIGINT');
    const onHup = (): void => {
      reloads = reloads.then(reload).catch((error: unknown) => {
        log.error({ err: error }, `Reload failed, the old configuration stays in force: ${explain(error)}`);
      });
    };
    // Requests are independent of each other: a defect in one must not take down the others' connections.
    const onDefect = (error: unknown): void =>
      log.error({ err: error }, 'Unexpected error; the sidecar goes on. Please report it.');
    const finish = (): void => {
      process.off('SIGTERM', onTerm).off('SIGINT', onInt).off('SIGHUP', onHup);
      process.off('uncaughtException', onDefect).off('unhandledRejection', onDefect);
      log.info({}, 'Stopped.');
      resolve();
    };
    process.on('SIGTERM', onTerm).on('SIGINT', onInt).on('SIGHUP', onHup);
    process.on('uncaughtException', onDefect).on('unhandledRejection', onDefect);
  });
}

function announce(log: Log, config: Config, sidecar: Sidecar): void {
  const { listeners, certificates } = sidecar.status();
  for (const { serverName, homeserver, delegateTo } of config.servers) {
    log.info(
      { homeserver: homeserver.text, ...(delegateTo === undefined ? {} : { delegate_to: delegateTo.text }) },
      `Serving ${serverName.text}.`,
    );
  }
  log.info({ listeners, certificates }, 'Ready.');
}

function explain(error: unknown): string {
  if (error instanceof SidecarError)
    return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  return describeError(error);
}
