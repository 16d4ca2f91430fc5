import type { System, Timer } from '../base/system.ts';

/** How long one key lasts by default: 12 hours, in milliseconds. */
export const TICKET_KEY_LIFETIME = 43_200_000;
// Node's three keys of 16 bytes: name, HMAC, AES.
const LENGTH = 48;

export interface TicketKeys {
  /** 48 bytes for `ticketKeys` of a tls.Server. Do not change them. */
  current(): Buffer;
  /** Calls back with new keys after each rotation; the result stops that. */
  onRotate(listener: (keys: Buffer) => void): () => void;
  close(): void;
}

/**
 * Keys for TLS session tickets (RFC 5077, RFC 8446 section 4.6.1), made anew every `rotateEvery` milliseconds: who
 * steals one can read no connection from before or after its time. All listeners share them, so that a client that met
 * one listener resumes on another. Node knows one key at a time: a ticket of the last one leads to a full handshake.
 */
export function createTicketKeys(
  slice: { readonly rotateEvery: number },
  deps: { readonly system: System },
): TicketKeys {
  const { system } = deps;
  const listeners = new Set<(keys: Buffer) => void>();
  let keys = system.randomBytes(LENGTH);
  let timer: Timer;

  const arm = (): void => {
    timer = system.setTimer(slice.rotateEvery, () => {
      keys = system.randomBytes(LENGTH);
      arm();
      for (const listener of listeners) listener(keys);
    });
  };
  arm();

  return {
    current: () => keys,
    onRotate(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      timer.cancel();
      listeners.clear();
    },
  };
}
