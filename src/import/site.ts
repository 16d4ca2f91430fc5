import type { Place } from './place.ts';

/** What nginx and Caddy have in common: sites with names and ports, of which one can ask what they do with a request. */
export interface Site {
  readonly place: Place;
  /** As written, lower case: `example.com`, `*.example.com`, `matrix.*`, `~^regex`. */
  readonly names: readonly string[];
  readonly listens: readonly SiteListen[];
  readonly certificates: readonly SiteCertificate[];
  readonly http2: boolean;
  /** Whether a request for this host would be this site's, and how well it fits: the highest wins, 0 is no fit. */
  rank(host: string, port: number): number;
  ask(request: SiteRequest): Outcome;
  /** Every place where requests go on to another server. */
  readonly targets: readonly SiteTarget[];
  /** Documents that it may have below /.well-known/matrix/, beside server, client and support. */
  readonly documents: readonly string[];
  /** Directives that change what passes and have no counterpart here. */
  readonly notes: readonly SiteNote[];
}

export interface SiteNote {
  readonly place: Place;
  /** The end of a sentence that begins with its place: "asks for a password (auth_basic)". */
  readonly what: string;
}

export interface SiteListen {
  /** The address; undefined for all. */
  readonly host: string | undefined;
  readonly port: number;
  readonly tls: boolean;
  readonly proxyProtocol: boolean;
  readonly place: Place;
}

export interface SiteCertificate {
  /** Absolute. */
  readonly cert: string;
  readonly key: string;
  readonly place: Place;
}

/** One place where requests go on: for telling what else there is. */
export interface SiteTarget {
  readonly place: Place;
  /** As a person would say it: `location /_matrix/media/`. */
  readonly where: string;
  readonly target: Target;
}

/** Only these are ever asked for. */
export interface SiteRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Without its question mark; none where it is left out. */
  readonly query?: string;
  /** Whether the client is in one of the networks that are let in somewhere; a stranger otherwise. */
  readonly inside?: boolean;
}

/** A server that requests go on to. */
export interface Target {
  /** `http://127.0.0.1:8008`, `unix:/run/synapse.sock`: how an upstream is written here, but for https. */
  readonly text: string;
  readonly tls: boolean;
  /** The others of a group between which requests are shared. */
  readonly others: readonly string[];
}

/** What a site does with a request for a GET of a path. */
export type Outcome =
  | { readonly do: 'proxy'; readonly place: Place; readonly target: Target; readonly way: Way }
  | {
      readonly do: 'answer';
      readonly place: Place;
      readonly status: number;
      /** Undefined where it is not known. */
      readonly body: string | undefined;
      readonly headers: AnswerHeaders;
    }
  | {
      readonly do: 'redirect';
      readonly place: Place;
      readonly status: number;
      readonly location: string;
      readonly headers: AnswerHeaders;
    }
  /** Files of a website. */
  | { readonly do: 'files'; readonly place: Place; readonly folder: string | undefined }
  /** Something that is not understood here: `what` completes "is answered by ...". */
  | { readonly do: 'other'; readonly place: Place; readonly what: string };

export interface AnswerHeaders {
  readonly contentTypes: readonly string[];
  readonly allowOrigin: readonly string[];
}

/** How requests go on to a target. Undefined members are as they should be, or not known. */
export interface Way {
  /** What the target gets for the path that was asked for, where it does not go on byte for byte. */
  readonly rewritten: string | undefined;
  /** Bytes; undefined where there is no limit. The place is undefined for a default. */
  readonly bodyLimit: { readonly bytes: number; readonly place: Place | undefined } | undefined;
  /** Seconds until the answer must begin; the place is undefined for a default. */
  readonly readTimeout: { readonly seconds: number; readonly place: Place | undefined } | undefined;
  readonly forwardedFor: { readonly how: 'set' | 'appended' | 'missing'; readonly place: Place };
  readonly forwardedProto: boolean;
  readonly host: boolean;
  /** Whether answers are buffered as a whole. */
  readonly buffered: boolean;
  /** Where Access-Control-Allow-Origin is added to what the homeserver says itself. */
  readonly addsCors: Place | undefined;
  /** Where error answers are replaced by pages of its own. */
  readonly replacesErrors: Place | undefined;
  /** Who may come at all; undefined for everybody. */
  readonly allowed: readonly string[] | undefined;
}
