import type { Socket } from 'node:net';
import { rawSocketOf } from '../base/raw-socket.ts';
import type { System, Timer } from '../base/system.ts';

/** What a peer has to take in each period for which something waits for it. The same as of a body that comes in. */
const LEAST_BYTES_PER_PERIOD = 4 * 1024;

/** Bytes that wait in this process for the kernel to take them, and bytes that it has taken. */
interface Outgoing {
  readonly waiting: number;
  readonly taken: number;
}

/**
 * Cuts a connection whose peer does not read: something waits to be sent, and for `period` milliseconds (half of
 * that again at most, for it is looked at in steps) next to nothing of it has left. Below TLS and HTTP, because
 * neither notices: an HTTP/2 stream that is reset while its connection is blocked stays open, and with it the
 * request to the homeserver. Standing still with nothing to send, as in a long poll, is no fault.
 */
export function guardReader(socket: Socket, period: number, system: System): void {
  const raw = rawSocketOf(socket);
  if (raw === undefined) return;
  const step = Math.ceil(period / 2);
  let before = readOutgoing(raw);
  let still = 0;
  let timer: Timer = system.setTimer(step, look);

  function look(): void {
    const now = readOutgoing(raw!);
    const moved = now.taken - before.taken;
    still = before.waiting > 0 && now.waiting > 0 && moved < LEAST_BYTES_PER_PERIOD / 2 ? still + 1 : 0;
    if (still === 2) return void raw!.destroy();
    before = now;
    timer = system.setTimer(step, look);
  }

  raw.once('close', () => timer.cancel());
}

/** From the handle: it is the only one that knows what HTTP/2 writes past the stream, and Node's types leave it out. */
function readOutgoing(raw: Socket): Outgoing {
  const handle = (raw as { readonly _handle?: { readonly writeQueueSize?: number; readonly bytesWritten?: number } })
    ._handle;
  const waiting = handle?.writeQueueSize ?? 0;
  return { waiting, taken: (handle?.bytesWritten ?? 0) - waiting };
}
