import type { Socket } from 'node:net';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** Milliseconds between two tries, and in all. */
const PAUSE = 100;
const PATIENCE = 10_000;

type Done = (error: Error | null, socket: Socket | null) => void;

/**
 * Opens a connection with `dial`, and tries again for a while where this process has no file descriptor left: that is
 * over as soon as any connection closes, and says nothing about the homeserver.
 */
export function awaitDescriptor(
  dial: (done: Done) => void,
  done: Done,
  { system, onExhausted }: { readonly system: System; onExhausted(): void },
): void {
  const until = system.monotonic() + PATIENCE;
  const attempt = (): void =>
    dial((error, socket) => {
      if (error === null || !isOutOfDescriptors(error)) return done(error, socket);
      onExhausted();
      if (system.monotonic() < until) return void system.setTimer(PAUSE, attempt);
      const message = 'No file descriptor is left for a connection to the homeserver.';
      done(
        new SidecarError(message, { code: 'descriptors-exhausted', blame: 'operator', retryAfter: 5, cause: error }),
        null,
      );
    });
  attempt();
}
