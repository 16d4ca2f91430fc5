import type { UpstreamPool } from '../base/address.ts';
import type { Endpoint } from '../matrix/endpoints.ts';
import type { Errcode } from '../matrix/errors.ts';
import type { RenderedWellKnown } from '../matrix/well-known.ts';
import type { PoolChooser } from './choose-pool.ts';

/** What becomes of a request, and why in one sentence (for logs and `explain`). */
export type Decision =
  | {
      readonly do: 'forward';
      readonly upstream: UpstreamPool;
      /** Which of the homeserver's workers takes it, if not `upstream`, its main process; undefined where it has none. */
      readonly pools: PoolChooser | undefined;
      readonly endpoint: Endpoint | undefined;
      readonly server: string;
      /** What is asked for there, where that is not what was asked for here: without the prefix by which it was found. */
      readonly target?: string;
      readonly why: string;
    }
  | { readonly do: 'publish'; readonly document: RenderedWellKnown; readonly server: string; readonly why: string }
  | { readonly do: 'preflight'; readonly variant: 'matrix' | 'rendezvous' | 'well-known'; readonly why: string }
  | { readonly do: 'challenge'; readonly token: string; readonly why: string }
  | { readonly do: 'redirect'; readonly why: string }
  /** The keys of the federation tester's own identity. */
  | { readonly do: 'identify'; readonly why: string }
  /** The federation tester's page or API, for strangers. */
  | { readonly do: 'test'; readonly why: string }
  /** A question of our own `doctor`; whether it is one, the token tells. */
  | { readonly do: 'probe'; readonly token: string; readonly why: string }
  | {
      readonly do: 'refuse';
      readonly because: RefusalReason;
      readonly status: number;
      readonly errcode: Errcode;
      readonly message: string;
      /** For 405: the methods that there are (RFC 9110 section 15.5.6). */
      readonly allow?: string;
      readonly why: string;
    };

/** Why a request is refused, for counting. */
export type RefusalReason =
  | 'malformed'
  | 'method'
  | 'misdirected'
  | 'unrecognized'
  | 'no-document'
  | 'wrong-port'
  | 'internal'
  | 'admin-api'
  | 'blocked-network'
  | 'blocked-server';

/** One homeserver as routing sees it. */
export interface RoutedServer {
  /** The server name, for messages and logs. */
  readonly name: string;
  /** The hosts under which it is reached, lower case, without port: the server name's first, then the delegated one. */
  readonly hosts: readonly string[];
  readonly homeserver: UpstreamPool;
  /** Undefined where it is one process. */
  readonly pools?: PoolChooser | undefined;
  readonly website: UpstreamPool | undefined;
  /** The authentication service that answers logins in the homeserver's place; undefined where the homeserver does. */
  readonly mas?: UpstreamPool | undefined;
  /** The services for calls; undefined where there are none. */
  readonly rtc?: RoutedRtc | undefined;
  /** Documents below /.well-known/matrix/, by name. */
  readonly wellKnown: ReadonlyMap<string, RenderedWellKnown>;
}

/** Where calls are. */
export interface RoutedRtc {
  readonly jwt: UpstreamPool;
  readonly sfu: UpstreamPool;
  /** Theirs alone, lower case, without port; undefined where they share those of the server. */
  readonly host: string | undefined;
}

/** The facts of a request that decide where it goes. */
export interface RouteRequest {
  readonly listener: 'https' | 'federation' | 'http';
  readonly method: string;
  /** Raw, undecoded. */
  readonly target: string;
  readonly authority: string | undefined;
  /** From SNI. */
  readonly serverName: string | undefined;
  /** The client's address, for areas that are open to some networks only. */
  readonly clientAddress: string;
  /** Everybody whom a federation request may say that it is from; asked for only where that matters. */
  origins(): readonly string[];
}
