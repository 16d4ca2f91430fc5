import { promises as dns, type CaaRecord as NodeCaaRecord } from 'node:dns';
import { describeError, errorCode, SidecarError } from './errors.ts';

export interface DnsQueryOptions {
  /** Ask this server, `address` or `address:port` (IPv6 in brackets), and no other; else the machine's own. */
  readonly server?: string;
  readonly signal?: AbortSignal;
}

/** One CAA record (RFC 8659): `issue`, `issuewild`, `iodef` and so on. */
export interface CaaRecord {
  /** Who does not know the tag must not issue. */
  readonly critical: boolean;
  readonly tag: string;
  readonly value: string;
}

/** What of a SOA record (RFC 1035 section 3.3.13) is of use here. */
export interface SoaRecord {
  /** The zone's primary name server, as the zone calls it. */
  readonly primary: string;
  readonly serial: number;
}

/** One SRV record (RFC 2782). */
export interface SrvAnswer {
  /** Without the final dot; `.` for the root, which says that the service is not offered. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * Questions to the DNS that the machine's resolver (hosts file and all) does not answer. A name or record that does
 * not exist is an empty answer. No answer at all is a SidecarError, code `dns-failed`; an aborted question rejects
 * with the signal's reason. Every question is asked anew, and given up after ten seconds.
 */
export interface DnsClient {
  /** The strings of each record joined. */
  resolveTxt(name: string, options?: DnsQueryOptions): Promise<readonly string[]>;
  resolveCname(name: string, options?: DnsQueryOptions): Promise<string | undefined>;
  resolveNs(name: string, options?: DnsQueryOptions): Promise<readonly string[]>;
  resolveSoa(name: string, options?: DnsQueryOptions): Promise<SoaRecord | undefined>;
  resolveCaa(name: string, options?: DnsQueryOptions): Promise<readonly CaaRecord[]>;
  /** In the order of the answer: priority and weight are for whoever chooses. */
  resolveSrv(name: string, options?: DnsQueryOptions): Promise<readonly SrvAnswer[]>;
  /** A records, then AAAA records. Fails when one of the questions does and the other finds none. */
  resolveAddresses(name: string, options?: DnsQueryOptions): Promise<readonly string[]>;
}

/** Milliseconds for the first attempt; twice as many for the second. */
const FIRST_ATTEMPT = 2_500;
const ATTEMPTS = 2;
const ABSENT = new Set(['ENODATA', 'ENOTFOUND']);

type Ask<T> = (resolver: dns.Resolver) => Promise<T>;

export interface DnsClientSlice {
  /** Whom to ask where a question names nobody, as in `DnsQueryOptions.server`; the machine's own when empty. */
  readonly servers?: readonly string[];
  /** Milliseconds for the first attempt, 2500 if it is not given; the second has twice as many. */
  readonly timeout?: number;
}

export function createDnsClient(slice: DnsClientSlice = {}): DnsClient {
  async function ask<T>(type: string, name: string, options: DnsQueryOptions, none: T, how: Ask<T>): Promise<T> {
    const { signal } = options;
    signal?.throwIfAborted();
    const servers = options.server === undefined ? (slice.servers ?? []) : [options.server];
    // One for each question: it can be cancelled alone, and has no memory.
    const resolver = new dns.Resolver({ timeout: slice.timeout ?? FIRST_ATTEMPT, tries: ATTEMPTS });
    const cancel = (): void => resolver.cancel();
    try {
      if (servers.length > 0) resolver.setServers(servers);
      signal?.addEventListener('abort', cancel, { once: true });
      return await how(resolver);
    } catch (error) {
      signal?.throwIfAborted();
      if (ABSENT.has(errorCode(error) ?? '')) return none;
      throw explain(error, `${type} ${name}`, servers);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  const one = <T>(type: string, how: (resolver: dns.Resolver, name: string) => Promise<T>, none: T) => {
    return (name: string, options: DnsQueryOptions = {}): Promise<T> =>
      ask(type, name, options, none, (resolver) => how(resolver, name));
  };
  const resolve4 = one<readonly string[]>('A', (resolver, name) => resolver.resolve4(name), []);
  const resolve6 = one<readonly string[]>('AAAA', (resolver, name) => resolver.resolve6(name), []);

  return {
    resolveTxt: one(
      'TXT',
      async (resolver, name) => (await resolver.resolveTxt(name)).map((parts) => parts.join('')),
      [],
    ),
    resolveCname: one('CNAME', async (resolver, name) => (await resolver.resolveCname(name))[0], undefined),
    resolveNs: one('NS', (resolver, name) => resolver.resolveNs(name), []),
    resolveSoa: one(
      'SOA',
      async (resolver, name) => {
        const { nsname, serial } = await resolver.resolveSoa(name);
        return { primary: nsname, serial };
      },
      undefined,
    ),
    resolveCaa: one('CAA', async (resolver, name) => (await resolver.resolveCaa(name)).flatMap(readCaa), []),
    resolveSrv: one(
      'SRV',
      async (resolver, name) =>
        (await resolver.resolveSrv(name)).map(({ name: target, port, priority, weight }) => ({
          target: target === '' ? '.' : target,
          port,
          priority,
          weight,
        })),
      [],
    ),
    async resolveAddresses(name, options) {
      const answers = await Promise.allSettled([resolve4(name, options), resolve6(name, options)]);
      const failed = answers.filter((answer) => answer.status === 'rejected');
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      if (found.length === 0 && failed.length > 0) throw failed[0]!.reason;
      return found;
    },
  };
}

/** Node writes the tag as the name of a property beside `critical`. */
function readCaa(record: NodeCaaRecord): CaaRecord[] {
  const { critical, ...rest } = record as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(rest).flatMap(([tag, value]) =>
    typeof value === 'string' && tag !== 'type' ? [{ critical: Number(critical) !== 0, tag, value }] : [],
  );
}

function explain(error: unknown, question: string, servers: readonly string[]): SidecarError {
  const whom = servers.length === 0 ? "the machine's DNS server" : servers.join(', ');
  const why = errorCode(error) ?? describeError(error);
  return new SidecarError(`No answer from ${whom} to the DNS question ${question}: ${WORDS[why] ?? why}.`, {
    code: 'dns-failed',
    blame: 'remote',
    hint: 'Check that this machine may reach it on port 53, UDP and TCP, and that it answers for this name.',
    retryAfter: 60,
    cause: error,
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ETIMEOUT: 'it did not answer in time',
  ECONNREFUSED: 'nothing listens there, or it cannot be reached',
  ESERVFAIL: 'it failed to find out (SERVFAIL)',
  EREFUSED: 'it refuses to answer (REFUSED)',
  EBADNAME: 'that is no name',
  EBADRESP: 'its answer is damaged',
  ENOTIMP: 'it does not know such questions',
};
