import type { Status } from '../admin/status.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import { type ConfigDerivation, formatSourcePlace } from '../config/derivation.ts';
import { formatConfigProblems } from '../config/format-problems.ts';
import { formatKeyPath } from '../config/key-path.ts';
import type { LoadedConfig } from '../config/load-config.ts';

/** Logs what is served from now on. */
export function announceServing(log: Log, config: Config, status: Status, sentence: string): void {
  const { listeners, certificates } = status;
  for (const { serverName, homeserver, delegateTo } of config.servers) {
    log.info(
      { homeserver: homeserver.text, ...(delegateTo === undefined ? {} : { delegate_to: delegateTo.text }) },
      `Serving ${serverName.text}.`,
    );
  }
  log.info({ listeners, certificates }, sentence);
}

/** Logs what follows from Synapse's configuration, and from which line of it. */
export function announceDerived(log: Log, { derived }: ConfigDerivation): void {
  for (const { path, value, places } of derived) {
    const key = formatKeyPath(path);
    log.info({ key, value, from: places.map(formatSourcePlace) }, `${key} follows from Synapse's configuration.`);
  }
}

/** Why it could not start: sentences for stderr. */
export function explainStart(error: unknown): string {
  if (error instanceof SidecarError)
    return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  return describeError(error);
}

/** The configuration that a reload has read, where it has no errors. What there is to say of it is logged. */
export function takeReloaded(log: Log, next: LoadedConfig): Extract<LoadedConfig, { ok: true }> | undefined {
  for (const notice of next.notices) log.warn({}, notice);
  if (next.ok) return next;
  const problems = formatConfigProblems(next.problems).trimEnd().split('\n');
  log.error({ problems }, 'The new configuration has errors; the old one stays in force.');
  return undefined;
}

export function reportFailedReload(log: Log, error: unknown): void {
  const hint = error instanceof SidecarError && error.hint !== undefined ? { hint: error.hint } : {};
  log.error(hint, `Reload failed, the old configuration stays in force: ${describeError(error)}`);
}
