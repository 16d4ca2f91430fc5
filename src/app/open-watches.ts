import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { createHomeserverWatch } from './homeserver-watch.ts';
import type { OpenCertificates } from './open-certificates.ts';
import { createOutsideWatch } from './outside-watch.ts';
import type { Runtime } from './runtime.ts';

/** Everything that is watched of what is not the sidecar's own, for as long as it runs. */
export interface OpenWatches {
  /** Another configuration is in force. */
  tell(): void;
  /** Resolves when the store is not written any more. Idempotent. */
  close(): Promise<void>;
}

export interface WatchesDeps {
  readonly system: System;
  readonly log: Log;
  runtime(): Runtime;
  certificates(): Pick<OpenCertificates, 'store' | 'warnings'>;
}

export function openWatches(deps: WatchesDeps): OpenWatches {
  const board = () => deps.certificates().warnings;
  const store = () => deps.certificates().store;
  // Loaded with the first look, which is minutes after the start.
  let opening: ReturnType<typeof open> | undefined;
  const open = async () => (await import('./look-outside.ts')).openOutsideLook({ ...deps, store });
  const homeservers = createHomeserverWatch({ ...deps, board });
  const outside = createOutsideWatch({
    ...{ ...deps, store, board },
    config: () => deps.runtime().config,
    async look(subject, config, signal) {
      opening ??= open();
      return (await opening)(subject, config, signal);
    },
    isAway: ({ homeserver }) =>
      homeservers.isAway(homeserver) || deps.runtime().holdOf(homeserver)?.status.awaySince !== undefined,
  });
  return {
    tell() {
      homeservers.tell();
      outside.tell();
    },
    close() {
      homeservers.close();
      return outside.close();
    },
  };
}
