import type { Socket } from 'node:net';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import { errorCode, SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** Milliseconds between two tries, and in all. */
const PAUSE = 100;
const PATIENCE = 10_000;

type Done = (error: Error | null, socket: Socket | null) => void;

/**
 * Opens a connection with `dial`, and tries again for a while where this process has no file descriptor left: that is
 * over as soon as any connection closes, and says nothing about the homeserver. Likewise where the queue of a Unix socket is
 * full, for which TCP would wait by itself (connect(2), EAGAIN).
 */
export function awaitDescriptor(
  dial: (done: Done) => void,
  done: Done,
  { system, onExhausted }: { readonly system: System; onExhausted(): void },
): void {
  const until = system.monotonic() + PATIENCE;
  const attempt = (): void =>
    dial((error, socket) => {
      const isFull = errorCode(error) === 'EAGAIN';
      if (error === null || (!isFull && !isOutOfDescriptors(error))) return done(error, socket);
      if (!isFull) onExhausted();
      if (system.monotonic() < until) return void system.setTimer(PAUSE, attempt);
      if (isFull) return done(error, null);
      const message = 'No file descriptor is left for a connection to the homeserver.';
      done(
        new SidecarError(message, { code: 'descriptors-exhausted', blame: 'operator', retryAfter: 5, cause: error }),
        null,
      );
    });
  attempt();
}
