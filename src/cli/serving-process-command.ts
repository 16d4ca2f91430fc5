import type { Command } from 'commander';
import { type Sidecar, startSidecar } from '../app/sidecar.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { realSystem } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { loadConfig } from '../config/load-config.ts';
import { readFileUpTo } from '../config/read-file.ts';
import { replayFiles } from '../config/recorded-files.ts';
import { createLogger } from '../observe/logger.ts';
import { type Link, openLink } from '../processes/link.ts';
import { SERVING_PROCESS } from './count-processes.ts';
import { type CliIo, readTerminal } from './io.ts';
import { explainStart } from './serve-announcements.ts';
import type { ServingOrder } from './serve-several.ts';
import { surviveDefects } from './serve-signals.ts';
import { tuneMemory } from './tune-memory.ts';

/** `serving-process`: what `serve` starts where there are several processes. Not for people. */
export function addServingProcessCommand(program: Command, io: CliIo): void {
  program.command(SERVING_PROCESS, { hidden: true }).action(async () => serveSupervised(io));
}

/** The sidecar in one of several processes: it does what the supervising process says, and hears no signals. */
async function serveSupervised(io: CliIo): Promise<void> {
  // A terminal sends them to all processes, and they are for the supervising one.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  let link: Link;
  try {
    link = openLink(realSystem);
  } catch (error) {
    io.stderr(`${explainStart(error)}\n`);
    io.exitCode = 2;
    return;
  }
  let sidecar: Sidecar;
  try {
    const { slot, content } = await link.order;
    sidecar = await start(slot, readOrder(content as ServingOrder, io), link, io);
  } catch (error) {
    const { code, hint } = error instanceof SidecarError ? error : {};
    await link.failed({ message: describeError(error), code, hint });
    io.exitCode = 1;
    return;
  }
  try {
    const drain = (patience: number, next: unknown): Promise<void> =>
      sidecar.drain(patience, next === undefined ? undefined : readOrder(next as ServingOrder, io));
    await link.run({ drain, close: () => sidecar.close() });
  } finally {
    // Also after a defect: who was told to end does.
    await sidecar.close();
    await link.done();
  }
}

/** The configuration as the supervising process has read it. This can be a newer release, with other ideas of it. */
function readOrder({ file, cwd, files, derivation }: ServingOrder, io: CliIo): Config {
  const loaded = loadConfig({ file, cwd, env: io.env, readFile: replayFiles(files, readFileUpTo), derivation });
  if (loaded.ok) return loaded.config;
  const problems = formatConfigProblems(loaded.problems).trimEnd();
  throw new SidecarError(problems, { code: 'process-not-ready', blame: 'operator' });
}

async function start(slot: number, config: Config, link: Link, io: CliIo): Promise<Sidecar> {
  tuneMemory();
  const logger = createLogger({ ...config.log, terminal: readTerminal(io) }, { system: realSystem }, { process: slot });
  surviveDefects(logger);
  let quiet = true;
  // What is said at a start, the first process has said already.
  const log: Log = slot === 1 ? logger : { ...logger, info: (...said) => quiet || logger.info(...said) };
  const sidecar = await startSidecar(config, { system: realSystem, log, speakForAll: link.speakForAll });
  quiet = false;
  link.ready(sidecar.status());
  return sidecar;
}
