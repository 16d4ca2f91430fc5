import { type Sidecar, startSidecar } from '../app/sidecar.ts';
import { realSystem } from '../base/system.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import { countProcesses } from './count-processes.ts';
import { type CliIo, readTerminal } from './io.ts';
import {
  announceDerived,
  announceServing,
  explainStart,
  reportFailedReload,
  takeReloaded,
} from './serve-announcements.ts';
import { listenForSignals } from './serve-signals.ts';
import { tuneMemory } from './tune-memory.ts';

type Sound = Pick<Extract<LoadedConfig, { ok: true }>, 'config' | 'derivation'>;

/** The sidecar in this one process. */
export async function serveAlone({ config, derivation }: Sound, file: string | undefined, io: CliIo): Promise<void> {
  tuneMemory();
  const log = createLogger({ ...config.log, terminal: readTerminal(io) }, { system: realSystem });
  const signals = listenForSignals(log);
  let sidecar: Sidecar;
  try {
    sidecar = await startSidecar(config, { system: realSystem, log });
  } catch (error) {
    io.stderr(`${explainStart(error)}\n`);
    io.exitCode = 1;
    return;
  }
  announceDerived(log, derivation);
  announceServing(log, config, sidecar.status(), 'Ready.');
  await signals.run({
    stop: () => sidecar.drain(),
    stopNow: () => sidecar.close(),
    reload: () => reload(sidecar, log, () => loadConfig({ file, env: io.env, cwd: io.cwd })),
  });
  log.info({}, 'Stopped.');
}

/** Puts the configuration in force as it reads now; one that is wrong, or cannot be had, changes nothing. */
async function reload(sidecar: Sidecar, log: Logger, read: () => LoadedConfig): Promise<void> {
  try {
    const next = takeReloaded(log, read());
    if (next === undefined) return;
    await sidecar.reload(next.config);
    log.setLevel(next.config.log.level);
    if (countProcesses(next.config) > 1) {
      const fields = { code: 'processes-need-a-restart', processes: countProcesses(next.config) };
      log.warn(fields, 'One process goes on alone: a restart is needed to go from one process to several.');
    }
    announceDerived(log, next.derivation);
    announceServing(log, next.config, sidecar.status(), 'Reloaded: the new configuration is in force.');
  } catch (error) {
    reportFailedReload(log, error);
  }
}
