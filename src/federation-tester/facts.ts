import type { HttpsOutcome, TlsFacts } from '../base/https-exchange.ts';
import type { Parsed } from '../base/parsed.ts';
import type { HostLookup, Resolution, SrvLookup, SrvRecord } from '../discovery/resolution.ts';
import type { ServerName } from '../matrix/server-name.ts';
import type { CertificateSeen } from './read-certificates.ts';

/**
 * Everything that was seen of a server from outside, and nothing of what we think of it. Gathered once by
 * `gatherFacts`; `judge` and all reports are functions of it.
 */
export interface Facts {
  /** What was asked for, as it was written. */
  readonly asked: string;
  readonly serverName: Parsed<ServerName>;
  /** When the test began; milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds. */
  readonly took: number;
  /** Whether everything was tried before the deadline of the whole test. */
  readonly complete: boolean;
  /** Undefined when there is no server name, or when the deadline came first. */
  readonly resolution: Resolution | undefined;
  /** The well-known document as each address of the server name's host gives it; empty where the steps ask for none. */
  readonly wellKnownAt: readonly WellKnownAt[];
  /** SRV lookups that the resolution had no need of: what servers see that know only the other name. */
  readonly otherSrv: readonly SrvLookup[];
  /** Where servers go that know nothing but `_matrix._tcp` (Synapse before 0.99), if other servers go elsewhere. */
  readonly oldServers: readonly OldServersPlace[];
  readonly addresses: readonly AddressFacts[];
  /** How many addresses were left out, since there is a bound. */
  readonly leftOut: number;
  /** The other usual port (443 or 8448) of the first host, asked when nobody answered at the right one. */
  readonly otherPort: PlaceFacts | undefined;
  /** The server in whose name requests were signed; undefined when none were. */
  readonly identity: string | undefined;
}

/** The key document of one place, and nothing more. */
export interface PlaceFacts {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  readonly keys: HttpsOutcome | undefined;
}

export interface OldServersPlace {
  readonly record: SrvRecord;
  readonly lookup: HostLookup;
  /** Undefined when there is no address to ask, or when the place is one of `addresses`. */
  readonly place: PlaceFacts | undefined;
}

export interface WellKnownAt {
  readonly address: string;
  /** The first answer, redirects not followed. Undefined when it was not asked. */
  readonly outcome: HttpsOutcome | undefined;
}

/** One address of one destination. Undefined outcomes were not asked for: nobody was there, or the time was over. */
export interface AddressFacts {
  readonly host: string;
  readonly port: number;
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  /** Only a local network knows the way to it (RFC 6890). */
  readonly private: boolean;
  /** Why it was not connected to, in a clause. */
  readonly refused: string | undefined;
  /** As the first handshake showed it. */
  readonly tls: TlsFacts | undefined;
  /** The chain as it was sent, the leaf first. */
  readonly certificates: readonly CertificateSeen[];
  /** GET /_matrix/key/v2/server */
  readonly keys: HttpsOutcome | undefined;
  /** How far the Date of that answer is ahead of our clock; milliseconds. */
  readonly skew: number | undefined;
  /** GET /_matrix/federation/v1/version */
  readonly version: HttpsOutcome | undefined;
  /** An endpoint that does not exist, below /_matrix/federation/v1/. */
  readonly unknown: HttpsOutcome | undefined;
  /** An endpoint that wants a signature, asked without one: every homeserver refuses, and shows that it is there. */
  readonly unsigned: PathAnswers;
  /** The same, signed by our identity. Undefined without one. */
  readonly signed: SignedAnswers | undefined;
  /** PUT /_matrix/federation/v1/send/... of 12 MB, signed if signatures are accepted. */
  readonly body: HttpsOutcome | undefined;
  /** A request that is answered only after a while; asked only where such an endpoint is known. */
  readonly hold: HoldAnswer | undefined;
}

/** One and the same question in paths of growing oddity. */
export interface PathAnswers {
  readonly plain: HttpsOutcome | undefined;
  /** With the escapes that room, user and event ids have: `%2F %21 %23 %24 %2B %3A %40`. */
  readonly escaped: HttpsOutcome | undefined;
}

export interface SignedAnswers extends PathAnswers {
  /** With an empty segment. */
  readonly slashes: HttpsOutcome | undefined;
  /** With an X-Matrix header that cannot be read: asked when `plain` was refused, to see whether the header arrives. */
  readonly malformed: HttpsOutcome | undefined;
  /** How often our keys were fetched during the test, by whomever; undefined when whoever serves them does not count. */
  readonly keyFetches: number | undefined;
}

export interface HoldAnswer {
  /** Milliseconds of silence that were asked for. */
  readonly asked: number;
  readonly outcome: HttpsOutcome;
}
