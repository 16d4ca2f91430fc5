import { randomBytes } from 'node:crypto';
import { promises as dns, type LookupAddress } from 'node:dns';
import { connect, type LookupFunction, type Socket } from 'node:net';

/** A timer that was set; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void;
}

export type DialTarget =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** What a host name leads to. */
export type ResolvedAddress = LookupAddress;

/**
 * Everything ambient, in one parameter: the clock, timers, dice, names, connections. Capabilities take it by
 * parameter so that tests can give a clock that they move and names that they make up.
 */
export interface System {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds that only grow; for durations. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; does not keep the process alive. */
  setTimer(ms: number, fn: () => void): Timer;
  /** Cryptographically strong random bytes. */
  randomBytes(length: number): Buffer;
  /** Addresses of a host name as the machine resolves it (hosts file included), in the resolver's order. */
  lookup(host: string): Promise<readonly ResolvedAddress[]>;
  /**
   * Starts a connection. A name is resolved anew on every call, by `resolve` where it is given and by the machine
   * else, and each of its addresses is tried until one answers. Errors come as the socket's 'error' event.
   */
  dial(target: DialTarget, resolve?: () => Promise<readonly ResolvedAddress[]>): Socket;
}

/** The form in which a socket asks for the addresses of its host. */
function answerLookup(resolve: () => Promise<readonly ResolvedAddress[]>): LookupFunction {
  return (_host, { all }, done) => {
    void resolve().then(
      (found) => (all === true ? done(null, [...found]) : done(null, found[0]!.address, found[0]!.family)),
      (error: NodeJS.ErrnoException) => done(error, []),
    );
  };
}

/** The real machine. */
export const realSystem: System = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  randomBytes: (length) => randomBytes(length),
  lookup: (host) => dns.lookup(host, { all: true, verbatim: true }),
  dial(target, resolve) {
    if (target.kind === 'unix') return connect({ path: target.path });
    return connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      // The default of 250 ms per address gives up on a busy homeserver whose accept queue is full for a moment.
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 2_000,
      ...(resolve === undefined ? {} : { lookup: answerLookup(resolve) }),
    });
  },
};
