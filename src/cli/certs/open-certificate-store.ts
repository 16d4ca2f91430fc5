import { SidecarError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { System } from '../../base/system.ts';
import type { Config } from '../../config/config.ts';
import { createStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import type { CliIo } from '../io.ts';
import { readConfigOrReport } from '../read-config.ts';

/** What every `certs` command works with. */
export interface CertsContext {
  readonly io: CliIo;
  readonly system: System;
  readonly log: Log;
  readonly config: Config;
  readonly store: Store;
}

/**
 * Runs a command with the configuration and its store, which is closed afterwards. What an operator can correct is
 * printed on stderr with its next step, and the exit code is 1.
 */
export async function withCertificateStore(
  io: CliIo,
  system: System,
  configFile: string | undefined,
  work: (context: CertsContext) => Promise<void>,
): Promise<void> {
  const config = readConfigOrReport(io, configFile);
  if (config === undefined) return;
  const log = createStderrLog(io);
  let store: Store | undefined;
  try {
    store = await createStore(config.store, { system, log });
    await work({ io, system, log, config, store });
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    fail(io, error.message, error.hint);
  } finally {
    await store?.close();
  }
}

/** Says on stderr what went wrong and what to do, and makes the exit code 1. */
export function fail(io: CliIo, what: string, hint?: string): void {
  io.stderr(hint === undefined ? `${what}\n` : `${what}\n${hint}\n`);
  io.exitCode = 1;
}

/** Warnings and errors on stderr, nothing else. */
export function createStderrLog(io: CliIo): Log {
  const say = (_fields: object, sentence: string): void => io.stderr(`${sentence}\n`);
  // A command prints its result; how the store got there is nobody's business unless something is wrong.
  return { debug: () => {}, info: () => {}, warn: say, error: say };
}
