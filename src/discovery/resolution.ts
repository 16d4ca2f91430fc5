import type { HttpsOutcome } from '../base/https-exchange.ts';
import type { ServerName } from '../matrix/server-name.ts';

/** Steps of "Resolving server names" in the server-server API (v1.8 and later), with the spec's own numbers. */
export type Step = '1' | '2' | '3' | '3.1' | '3.2' | '3.3' | '3.4' | '3.5' | '4' | '5' | '6';

/** What one step did, for people: in the order in which they were taken. */
export interface TraceEntry {
  readonly step: Step;
  /** One sentence. */
  readonly what: string;
  /** Whether the resolution ended here. */
  readonly decided: boolean;
}

/** The addresses of one host name. */
export interface HostLookup {
  readonly host: string;
  /** What the name is an alias of, if it is one. */
  readonly cname: string | undefined;
  /** IPv4 and IPv6 addresses, in the order in which they were given. */
  readonly addresses: readonly string[];
  /** One clause; undefined also when the name merely does not exist (then there are no addresses). */
  readonly error: string | undefined;
  readonly fault?: DnsFault | undefined;
}

/**
 * Set with some errors, those of the DNS server that was asked, which say nothing about the zone: it says nothing whatever
 * it is asked, or does not answer for this name (REFUSED).
 */
export type DnsFault = 'silent' | 'refuses';

export interface SrvRecord {
  /** Without the final dot; `.` itself says that the service is not offered. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface SrvLookup {
  /** `_matrix-fed._tcp.example.com` or `_matrix._tcp.example.com`. */
  readonly name: string;
  readonly records: readonly SrvRecord[];
  readonly error: string | undefined;
  readonly fault?: DnsFault | undefined;
}

/** One answer on the way to a well-known document. */
export interface WellKnownHop {
  readonly url: string;
  /** Where it was asked. */
  readonly address: string | undefined;
  readonly outcome: HttpsOutcome | undefined;
  /** Why it was not asked, in a clause (a private address, a scheme that is not https, a loop). */
  readonly refused: string | undefined;
}

export type WellKnownProblem =
  | 'no-address'
  | 'private-address'
  | 'connection'
  | 'untrusted'
  | 'redirect-loop'
  | 'too-many-redirects'
  | 'bad-redirect'
  | 'not-200'
  | 'too-large'
  | 'not-json'
  | 'no-m-server'
  | 'bad-m-server';

export interface WellKnownLookup {
  readonly hops: readonly WellKnownHop[];
  /** Milliseconds that the outcome may be remembered, by the spec's and Synapse's rules. */
  readonly cacheFor: number;
  readonly result:
    | { readonly ok: true; readonly delegated: ServerName }
    | { readonly ok: false; readonly problem: WellKnownProblem; readonly words: string };
}

/** Somewhere to connect to. */
export interface Destination {
  /** A host name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Where `--connect-to` leads away from; undefined where it does not. */
  readonly meant?: { readonly host: string; readonly port: number } | undefined;
  readonly addresses: HostLookup;
}

/** How to reach a server, and everything that was seen on the way there. */
export interface Resolution {
  readonly serverName: ServerName;
  /** The step that decided. */
  readonly step: Step;
  /** In the order in which they are to be tried. May be empty, and destinations may have no address. */
  readonly destinations: readonly Destination[];
  /** The value of the Host header. */
  readonly hostHeader: string;
  /** What the certificate has to be for: a name (also the SNI), or an IP address (then there is no SNI). */
  readonly certificateName: string;
  /** Undefined where the steps ask for none. */
  readonly wellKnown: WellKnownLookup | undefined;
  readonly srv: readonly SrvLookup[];
  readonly trace: readonly TraceEntry[];
}
