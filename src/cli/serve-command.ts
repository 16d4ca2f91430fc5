import type { Command } from 'commander';
import { type Sidecar, startSidecar } from '../app/sidecar.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import { realSystem } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { loadConfig } from '../config/load-config.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import type { CliIo } from './io.ts';
import { CONFIG_OPTION_HELP, readConfigOrReport } from './read-config.ts';

/** Milliseconds in which two SIGINT are one: Ctrl-C reaches the process from the terminal, and from npm as well. */
const ONE_INTERRUPT = 500;

/** `serve`: the sidecar itself, until SIGTERM or SIGINT. SIGHUP reloads. */
export function addServeCommand(program: Command, io: CliIo): void {
  program
    .command('serve')
    .description('run the sidecar: TLS, well-known documents, forwarding')
    .option('--config <file>', CONFIG_OPTION_HELP)
    .action(async (options: { config?: string }) => serve(options.config, io));
}

async function serve(file: string | undefined, io: CliIo): Promise<void> {
  const config = readConfigOrReport(io, file);
  if (config === undefined) return;
  const log = createLogger(config.log);
  const signals = listenForSignals(log);
  let sidecar: Sidecar;
  try {
    sidecar = await startSidecar(config, { system: realSystem, log });
  } catch (error) {
    io.stderr(`${explain(error)}\n`);
    io.exitCode = 1;
    return;
  }
  announce(log, config, sidecar, 'Ready.');
  await signals.run({
    stop: () => sidecar.drain(),
    stopNow: () => sidecar.close(),
    reload: () => reload(sidecar, log, () => loadConfig({ file, env: io.env, cwd: io.cwd })),
  });
  log.info({}, 'Stopped.');
}

/** Puts the configuration in force as it reads now; one that is wrong, or cannot be had, changes nothing. */
async function reload(sidecar: Sidecar, log: Logger, read: () => ReturnType<typeof loadConfig>): Promise<void> {
  try {
    const next = read();
    for (const notice of next.notices) log.warn({}, notice);
    if (!next.ok) {
      const problems = formatConfigProblems(next.problems).trimEnd().split('\n');
      log.error({ problems }, 'The new configuration has errors; the old one stays in force.');
      return;
    }
    await sidecar.reload(next.config);
    log.setLevel(next.config.log.level);
    announce(log, next.config, sidecar, 'Reloaded: the new configuration is in force.');
  } catch (error) {
    const hint = error instanceof SidecarError && error.hint !== undefined ? { hint: error.hint } : {};
    log.error(hint, `Reload failed, the old configuration stays in force: ${describeError(error)}`);
  }
}

interface SignalActions {
  stop(): Promise<void>;
  stopNow(): Promise<void>;
  /** Never rejects. */
  reload(): Promise<void>;
}

interface Signals {
  /** Acts on signals, those from before this call too; resolves when `stop` or `stopNow` has done its work. */
  run(actions: SignalActions): Promise<void>;
}

/**
 * Takes over the process's signals, for good: one that comes while the sidecar starts, or after it has stopped, must
 * not end the process by itself. SIGTERM and SIGINT stop, the second of them at once, but not
 * what one Ctrl-C sends twice; SIGHUP reloads.
 */
function listenForSignals(log: Logger): Signals {
  const early: NodeJS.Signals[] = [];
  let act = (signal: NodeJS.Signals): void => void early.push(signal);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => act(signal));
  // Requests are independent of each other: a defect in one must not take down the others' connections.
  const onDefect = (err: unknown): void =>
    log.error({ err }, 'Unexpected error; the sidecar goes on. Please report it.');
  process.on('uncaughtException', onDefect).on('unhandledRejection', onDefect);
  return {
    run: (actions) =>
      new Promise((resolve, reject) => {
        let stopping = false;
        let lastInterrupt = Number.NEGATIVE_INFINITY;
        act = (signal) => {
          if (signal === 'SIGHUP') {
            if (!stopping) void actions.reload();
            return;
          }
          const sinceInterrupt = realSystem.monotonic() - lastInterrupt;
          if (signal === 'SIGINT') lastInterrupt = realSystem.monotonic();
          if (stopping && signal === 'SIGINT' && sinceInterrupt < ONE_INTERRUPT) return;
          const again = stopping;
          stopping = true;
          const sentence = again
            ? 'Asked again: stopping at once.'
            : 'Draining: no new connections, what runs may finish.';
          log.info({ signal }, sentence);
          const done = again ? actions.stopNow() : actions.stop();
          done.then(resolve, reject).finally(() => {
            act = () => {};
          });
        };
        for (const signal of early.splice(0)) act(signal);
      }),
  };
}

function announce(log: Logger, config: Config, sidecar: Sidecar, sentence: string): void {
  const { listeners, certificates } = sidecar.status();
  for (const { serverName, homeserver, delegateTo } of config.servers) {
    log.info(
      { homeserver: homeserver.text, ...(delegateTo === undefined ? {} : { delegate_to: delegateTo.text }) },
      `Serving ${serverName.text}.`,
    );
  }
  log.info({ listeners, certificates }, sentence);
}

function explain(error: unknown): string {
  if (error instanceof SidecarError)
    return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  return describeError(error);
}
