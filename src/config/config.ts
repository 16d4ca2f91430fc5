import type { BindAddress, Upstream } from '../base/address.ts';
import type { CidrSet } from '../base/cidr.ts';
import type { ServerName } from '../matrix/server-name.ts';

/** A JSON object as an administrator wrote it into the configuration. */
export type JsonObject = { readonly [key: string]: unknown };

/** A certificate that the operator brings: PEM chain and key, or one PKCS#12 file. Paths are absolute. */
export type CertificateFiles =
  | { readonly kind: 'pem'; readonly cert: string; readonly key: string }
  | { readonly kind: 'pkcs12'; readonly file: string; readonly password: string };

/** One homeserver: how it is named, where it is, what is published for it. */
export interface ServerConfig {
  readonly serverName: ServerName;
  readonly homeserver: Upstream;
  readonly delegateTo: ServerName | undefined;
  readonly delegateBy: 'well-known' | 'srv' | 'both';
  readonly apex: 'here' | 'elsewhere';
  readonly website: Upstream | undefined;
  /** Documents to merge over the derived ones, by name: server, client, support, or any other. */
  readonly wellKnown: Readonly<Record<string, JsonObject>>;
  readonly certificate: CertificateFiles | undefined;
  /** Used on the federation listener instead of `certificate`. */
  readonly federationCertificate: CertificateFiles | undefined;
}

export interface ListenConfig {
  /** Each empty when the listener is `off`. */
  readonly https: readonly BindAddress[];
  readonly federation: readonly BindAddress[];
  readonly http: readonly BindAddress[];
  readonly admin: readonly BindAddress[];
  /** Peers whose connections begin with a PROXY protocol header (v1 or v2). Nobody else may send one. */
  readonly proxyProtocolFrom: CidrSet;
}

export interface RoutesConfig {
  /** What the federation listener serves: federation, key and media paths, or everything. */
  readonly federationPort: 'federation' | 'all';
  /** Networks that may reach /_synapse/admin; nobody when empty. */
  readonly adminApiFrom: CidrSet;
  /** Peers whose X-Forwarded-* and X-Request-Id headers are believed. */
  readonly trustedProxies: CidrSet;
}

/** Bytes and milliseconds. */
export interface LimitsConfig {
  readonly body: number;
  readonly upload: number;
  readonly handshake: number;
  readonly requestHeaders: number;
  readonly keepAlive: number;
  readonly stalled: number;
  readonly drain: number;
}

export interface AcmeConfig {
  /** A known CA's short name resolved to its directory URL, or the URL that was given. */
  readonly directory: string;
  readonly email: string | undefined;
  readonly challenges: readonly ('tls-alpn-01' | 'http-01')[];
  readonly caFile: string | undefined;
}

export type StoreConfig =
  | { readonly kind: 'files'; readonly folder: string }
  | { readonly kind: 'postgres'; readonly url: string };

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly requests: 'off' | 'errors' | 'all';
}

/** The whole configuration, frozen, every string in it parsed. */
export interface Config {
  /** The file it was read from; undefined when it came from the environment alone. */
  readonly file: string | undefined;
  readonly servers: readonly ServerConfig[];
  readonly listen: ListenConfig;
  readonly routes: RoutesConfig;
  readonly certificates: 'acme' | 'local' | 'files';
  readonly acme: AcmeConfig;
  readonly store: StoreConfig;
  readonly limits: LimitsConfig;
  readonly log: LogConfig;
}

/** One thing wrong with the configuration. `line` and `column` start at 1. */
export interface ConfigProblem {
  /** A file's path, or `environment`. */
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** `servers[0].homeserver`, or the variable's name. */
  readonly key: string;
  readonly what: string;
  readonly fix: string;
}
