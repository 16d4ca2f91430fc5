import type { Status } from '../admin/status.ts';
import { realSystem } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { ConfigDerivation } from '../config/derivation.ts';
import { type LoadInput, loadConfig } from '../config/load-config.ts';
import { readFileUpTo } from '../config/read-file.ts';
import { type RecordedFile, recordFiles } from '../config/recorded-files.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import type { Order } from '../processes/slot.ts';
import { createSupervisor } from '../processes/supervisor.ts';
import { countProcesses, SERVING_PROCESS } from './count-processes.ts';
import { type CliIo, readTerminal } from './io.ts';
import {
  announceDerived,
  announceServing,
  explainStart,
  reportFailedReload,
  takeReloaded,
} from './serve-announcements.ts';
import { listenForSignals } from './serve-signals.ts';

/** A configuration, and the files that were read for it, Synapse's apart: of those there is only what followed from them. */
export interface ReadConfig {
  readonly config: Config;
  readonly derivation: ConfigDerivation;
  readonly files: readonly RecordedFile[];
}

/** What a process that serves is told: it reads what was read here, whatever stands in the files by then. */
export interface ServingOrder {
  readonly file: string | undefined;
  readonly cwd: string;
  readonly files: readonly RecordedFile[];
  /** Left out by older releases. */
  readonly derivation?: ConfigDerivation;
}

/** The sidecar in several processes, which this one looks after. It serves nothing itself. */
export async function serveSeveral(first: ReadConfig, file: string | undefined, io: CliIo): Promise<void> {
  const log = createLogger({ ...first.config.log, terminal: readTerminal(io) }, { system: realSystem });
  const signals = listenForSignals(log);
  let generation = 0;
  const order = ({ config, files, derivation }: ReadConfig): Order => {
    const content: ServingOrder = { file, cwd: io.cwd, files, derivation };
    const { drain, hold } = config.limits;
    const handOver = Math.max(drain, hold);
    return { generation: generation++, processes: countProcesses(config), drain, handOver, content };
  };
  const supervisor = createSupervisor(order(first), {
    system: realSystem,
    log,
    args: [SERVING_PROCESS],
    stderr: (chunk) => io.stderr(chunk.toString()),
  });
  let status: Status;
  try {
    status = await supervisor.start();
  } catch (error) {
    io.stderr(`${explainStart(error)}\n`);
    io.exitCode = 1;
    return;
  }
  announceDerived(log, first.derivation);
  announceServing(log, first.config, status, 'Ready.');

  /** Has the processes replaced by new ones that serve what is read now. What is wrong changes nothing. */
  async function reload(): Promise<void> {
    try {
      const next = read(log, { file, env: io.env, cwd: io.cwd });
      if (next === undefined) return;
      log.debug({}, 'The processes are replaced, one after the other.');
      const replaced = await supervisor.reload(order(next));
      if (replaced === undefined) return;
      log.setLevel(next.config.log.level);
      announceDerived(log, next.derivation);
      announceServing(log, next.config, replaced, 'Reloaded: the new configuration is in force.');
    } catch (error) {
      reportFailedReload(log, error);
    }
  }

  await signals.run({ stop: () => supervisor.drain(), stopNow: () => supervisor.close(), reload });
  log.info({}, 'Stopped.');
}

function read(log: Logger, input: LoadInput): ReadConfig | undefined {
  const { files, readFile } = recordFiles(readFileUpTo);
  const taken = takeReloaded(log, loadConfig({ ...input, readFile, readSynapse: readFileUpTo }));
  return taken === undefined ? undefined : { ...taken, files };
}
