import { describeError, errorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';

/** Milliseconds after which what is still wrong is said again: a message that comes once in months is overlooked. */
const SAY_AGAIN = 86_400_000;

/** What keeps the certificates from being looked after, as the log hears of it. */
export interface KeeperTrouble {
  /** Something went wrong, and is tried again. */
  say(error: unknown): void;
  /** All went well. */
  over(): void;
}

/**
 * A store may be away for hours, and is asked twice a minute: each kind of trouble is said once, and then once a day,
 * until it is over.
 */
export function createKeeperTrouble({
  system,
  log,
}: {
  readonly system: Pick<System, 'monotonic'>;
  readonly log: Log;
}): KeeperTrouble {
  /** By the error's code, when it was last said, on the monotonic clock. */
  const said = new Map<string, number>();
  return {
    say(error) {
      const kind = errorCode(error) ?? 'unknown';
      const now = system.monotonic();
      const isNews = now - (said.get(kind) ?? Number.NEGATIVE_INFINITY) >= SAY_AGAIN;
      if (isNews) said.set(kind, now);
      const what = `Certificates cannot be looked after at the moment; serving goes on. ${describeError(error)}`;
      (isNews ? log.warn : log.debug).call(log, { err: error }, what);
    },
    over() {
      if (said.size > 0) log.info({}, 'Certificates are looked after again.');
      said.clear();
    },
  };
}
