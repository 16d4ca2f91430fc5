import { SidecarError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import type { Config } from '../../config/config.ts';
import type { ImportPlan } from '../../import/plan-import.ts';
import { createStore } from '../../store/open-store.ts';
import { importCertificates } from '../certs/import-certificates.ts';
import { createStderrLog, fail } from '../certs/open-certificate-store.ts';
import type { CliIo } from '../io.ts';

export interface CarryRequest {
  readonly plan: ImportPlan;
  /** The YAML that was printed, loaded. */
  readonly config: Config;
  /** Whether the store was named on the command line: the certificates are taken over at once then. */
  readonly withStore: boolean;
}

/** Takes live certificates over into the store, or says which command does. All of it on stderr. */
export async function carryCertificates(
  { plan, config, withStore }: CarryRequest,
  io: CliIo,
  system: System,
): Promise<void> {
  if (plan.carry.length === 0 || config.certificates !== 'acme') return;
  if (!withStore) {
    const paths = plan.carry.map(quoteForShell).join(' ');
    io.stderr(
      `The certificates that are in use can be taken over, so that none is ordered before it is due.\nOnce the YAML is in config/sidecar.yaml:\n  matrix-sidecar certs import ${paths}\n`,
    );
    return;
  }
  const log = createStderrLog(io);
  // stdout has the YAML; messages of the other command belong beside it.
  const quiet: CliIo = { ...io, stdout: (text) => io.stderr(text) };
  const store = await createStore(config.store, { system, log });
  try {
    await importCertificates({ io: quiet, config, store, system, log }, plan.carry, undefined);
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    fail(io, error.message, error.hint);
  } finally {
    await store.close();
  }
  io.exitCode = Math.max(io.exitCode, quiet.exitCode);
}

function quoteForShell(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
