import { isIP } from 'node:net';
import type { DnsClient } from '../base/dns.ts';
import { describeError, errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { DnsFault, HostLookup, SrvLookup } from './resolution.ts';
import { createSilence, isSilence } from './silence.ts';

/** Names to addresses and services, asked anew each time. Rejects with the signal's reason only. */
export interface Names {
  /** An address literal is its own only address. */
  lookupHost(host: string, signal: AbortSignal): Promise<HostLookup>;
  /** `name` is the whole name, `_matrix-fed._tcp.example.com`. */
  lookupSrv(name: string, signal: AbortSignal): Promise<SrvLookup>;
}

export interface NamesSlice {
  /**
   * Ask this DNS server, `address` or `address:port` (IPv6 in brackets), and nobody else. Without it, addresses come from
   * the machine's resolver, hosts file and all, and records from its DNS server.
   */
  readonly server?: string | undefined;
  /**
   * Addresses from the DNS as well, and not from the machine's resolver: for strangers, who have no business in its hosts
   * file, and whose slow names would keep its few threads from looking up anything else.
   */
  readonly recordsOnly?: boolean;
}

/** Milliseconds for all addresses of a name by the machine's resolver, which has no deadline of its own. */
const LOOKUP_PATIENCE = 10_000;
/** Milliseconds for the machine's resolver while its DNS server is silent. */
const HOSTS_PATIENCE = 1_000;
/** Milliseconds that the addresses of a name wait for the answer whether it is an alias. */
const ALIAS_PATIENCE = 1_000;
/** More addresses of one name are passed over. */
const MAX_ADDRESSES = 32;
/** More records of one service are passed over. */
const MAX_RECORDS = 512;

export function createNames(
  { server, recordsOnly = false }: NamesSlice,
  { system, dns }: { readonly system: System; readonly dns: DnsClient },
): Names {
  const options = (signal: AbortSignal) => (server === undefined ? { signal } : { signal, server });
  const silence = createSilence({ system, dns });
  // Strangers need not know which one it is.
  const named = server !== undefined && !recordsOnly;
  const whom = named ? `the DNS server ${server}` : 'the DNS server of this machine';
  const sayWhy = (error: unknown): string =>
    server === undefined || named ? clauseOf(error) : clauseOf(error).replaceAll(server, whom);
  const silent = { error: `${whom} did not answer a moment ago`, fault: 'silent' } as const;

  /** Whether it is the DNS server's fault. Resolvers are slow to say that a zone's own name servers are silent. */
  async function faultOf(error: unknown, signal: AbortSignal): Promise<{ readonly fault?: DnsFault }> {
    if (error instanceof Error && errorCode(error.cause) === 'EREFUSED') return { fault: 'refuses' };
    const maybe = isSilence(error) || error instanceof Unanswered || errorCode(error) === 'EAI_AGAIN';
    return maybe && (await silence.isWhole(options(signal))) ? { fault: 'silent' } : {};
  }

  async function addressesOf(host: string, signal: AbortSignal): Promise<readonly string[]> {
    if (server !== undefined || recordsOnly) return dns.resolveAddresses(host, options(signal));
    // The hosts file answers at once, and nobody else is there to answer.
    const patience = silence.isKnown() ? HOSTS_PATIENCE : LOOKUP_PATIENCE;
    return within(
      system,
      patience,
      signal,
      system.lookup(host).then(
        (found) => found.map(({ address }) => address),
        (error: unknown) => {
          if (ABSENT.has(errorCode(error) ?? '')) return [];
          throw error;
        },
      ),
      () => {
        throw new Unanswered(`the resolver did not answer within ${patience / 1000} s`);
      },
    );
  }

  async function aliasOf(host: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await dns.resolveCname(host, options(signal));
    } catch {
      // It only would have explained something; the addresses say what the matter is.
      return undefined;
    }
  }

  return {
    async lookupHost(host, signal) {
      if (isIP(host) !== 0) return { host, cname: undefined, addresses: [host], error: undefined };
      const none = { host, cname: undefined, addresses: [] };
      if (silence.isKnown() && (server !== undefined || recordsOnly)) return { ...none, ...silent };
      const over = new AbortController();
      const alias = aliasOf(host, AbortSignal.any([signal, over.signal]));
      try {
        const addresses = await addressesOf(host, signal);
        const cname = await within(system, ALIAS_PATIENCE, signal, alias, () => undefined);
        return { host, cname, addresses: [...new Set(addresses)].slice(0, MAX_ADDRESSES), error: undefined };
      } catch (error) {
        signal.throwIfAborted();
        if (isNoName(error)) return { ...none, error: undefined };
        return { ...none, error: sayWhy(error), ...(await faultOf(error, signal)) };
      } finally {
        over.abort();
      }
    },
    async lookupSrv(name, signal) {
      if (silence.isKnown()) return { name, records: [], ...silent };
      try {
        const records = await dns.resolveSrv(name, options(signal));
        return { name, records: records.slice(0, MAX_RECORDS), error: undefined };
      } catch (error) {
        signal.throwIfAborted();
        if (isNoName(error)) return { name, records: [], error: undefined };
        return { name, records: [], error: sayWhy(error), ...(await faultOf(error, signal)) };
      }
    },
  };
}

const ABSENT = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NODATA', 'EAI_NONAME']);

/** A name that the DNS has no way to ask for (an empty label, one of 64 characters): nobody was asked, and it does not exist. */
function isNoName(error: unknown): boolean {
  return error instanceof Error && errorCode(error.cause) === 'EBADNAME';
}

/** The machine's resolver took longer than anybody waits. */
class Unanswered extends Error {}

const WORDS: Readonly<Record<string, string>> = {
  EAI_AGAIN: "the machine's resolver has no answer for now (EAI_AGAIN)",
  EAI_FAIL: "the machine's resolver failed (EAI_FAIL)",
};

/** The message of an error as a clause: no capital, no full stop. */
function clauseOf(error: unknown): string {
  const message = WORDS[errorCode(error) ?? ''] ?? describeError(error);
  return message.replace(/\.$/, '').replace(/^No /, 'no ');
}

/** What `promise` gives, or `late` when it takes longer than `ms`. Rejects with the signal's reason when aborted. */
function within<T>(system: System, ms: number, signal: AbortSignal, promise: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => end(() => reject(signal.reason as Error));
    const timer = system.setTimer(ms, () => end(() => Promise.resolve().then(late).then(resolve, reject)));
    const end = (settle: () => void): void => {
      timer.cancel();
      signal.removeEventListener('abort', stop);
      settle();
    };
    signal.addEventListener('abort', stop, { once: true });
    promise.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error as Error)),
    );
    if (signal.aborted) stop();
  });
}
