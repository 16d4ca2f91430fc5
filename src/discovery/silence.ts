import type { DnsClient, DnsQueryOptions } from '../base/dns.ts';
import { errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** Whether a DNS server says nothing at all, or nothing about one name. */
export interface Silence {
  /**
   * Asks for what every DNS server has an answer to, a refusal at least. A server that is silent then as well is not asked
   * again so soon. Rejects with the signal's reason only.
   */
  isWhole(options: DnsQueryOptions): Promise<boolean>;
  /** Whether that was found out a moment ago. */
  isKnown(): boolean;
}

/** Milliseconds for which a server that said nothing is held to be silent. */
const KEPT = 10_000;
/** The root: resolvers know its name servers by heart, and all others refuse to speak of it. */
const KNOWN_TO_ALL = '.';

export function createSilence({ system, dns }: { readonly system: System; readonly dns: DnsClient }): Silence {
  let until = Number.NEGATIVE_INFINITY;
  const isKnown = (): boolean => system.monotonic() < until;
  return {
    isKnown,
    async isWhole(options) {
      if (isKnown()) return true;
      try {
        await dns.resolveNs(KNOWN_TO_ALL, options);
        return false;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!isSilence(error)) return false;
        until = system.monotonic() + KEPT;
        return true;
      }
    },
  };
}

/** Whether this error of a `DnsClient` is that there was no answer. */
export function isSilence(error: unknown): boolean {
  const code = error instanceof Error ? errorCode(error.cause) : undefined;
  return code === 'ETIMEOUT' || code === 'ECONNREFUSED';
}
