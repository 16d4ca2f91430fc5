import type { BindAddress, HostPort, Upstream, UpstreamPool } from '../base/address.ts';
import type { CidrSet } from '../base/cidr.ts';
import type { ServerName } from '../matrix/server-name.ts';
import type { PoolName } from '../matrix/worker-pools.ts';

/** A JSON object as an administrator wrote it into the configuration. */
export type JsonObject = { readonly [key: string]: unknown };

/** A certificate that the operator brings: PEM chain and key, or one PKCS#12 file. Paths are absolute. */
export type CertificateFiles =
  | { readonly kind: 'pem'; readonly cert: string; readonly key: string }
  | { readonly kind: 'pkcs12'; readonly file: string; readonly password: string };

/** The workers of one homeserver. */
export interface WorkersConfig {
  /** Those that take requests. Each pool that is there has at least one instance. */
  readonly pools: Readonly<Partial<Record<PoolName, readonly Upstream[]>>>;
  /** Those that take none, to be asked for their health. */
  readonly background: readonly Upstream[];
}

/** The services for calls (MatrixRTC) beside one homeserver. */
export interface RtcConfig {
  /** lk-jwt-service, which lets Matrix users in. */
  readonly jwt: UpstreamPool;
  /** LiveKit's own HTTP and WebSocket port. */
  readonly sfu: UpstreamPool;
  /** A DNS name, lower case, that is theirs alone; undefined where they are below /livekit/ on the server's own hosts. */
  readonly host: string | undefined;
}

/** One homeserver: how it is named, where it is, what is published for it. */
export interface ServerConfig {
  readonly serverName: ServerName;
  readonly homeserver: UpstreamPool;
  readonly delegateTo: ServerName | undefined;
  readonly delegateBy: 'well-known' | 'srv' | 'both';
  readonly apex: 'here' | 'elsewhere';
  readonly website: UpstreamPool | undefined;
  /** The Matrix Authentication Service; undefined where the homeserver logs people in itself. */
  readonly mas: UpstreamPool | undefined;
  /** Undefined where there are none. */
  readonly rtc: RtcConfig | undefined;
  /** Undefined when the homeserver is one process. */
  readonly workers: WorkersConfig | undefined;
  /** Files and folders of Synapse's configuration, absolute, in the order of its `-c`; empty when it is not known. */
  readonly homeserverYaml: readonly string[];
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
  /** Networks that are answered 403. */
  readonly blockedNetworks: CidrSet;
  /** Names and patterns of servers that are answered 403. */
  readonly blockedServers: readonly string[];
  /** Peers whose X-Forwarded-* and X-Request-Id headers are believed. */
  readonly trustedProxies: CidrSet;
}

/** Bytes, milliseconds and numbers. */
export interface LimitsConfig {
  readonly body: number;
  readonly upload: number;
  readonly handshake: number;
  readonly requestHeaders: number;
  readonly keepAlive: number;
  readonly stalled: number;
  /** 0 holds nothing. */
  readonly hold: number;
  readonly requestsPerClient: number;
  readonly requestsPerOrigin: number;
  readonly federationRequests: number;
  /** What the file descriptors allow when undefined. */
  readonly connections: number | undefined;
  readonly connectionsPerClient: number;
  readonly idleConnections: number;
  readonly drain: number;
}

/** What an authority gave out to tie an account to a customer of its own (RFC 8555, 7.3.4). */
export interface ExternalAccount {
  readonly keyId: string;
  /** Secret; base64url, or base64, as it was given out. */
  readonly hmacKey: string;
}

/** One certificate authority. */
export interface AcmeAuthority {
  /** A known CA's short name resolved to its directory URL, or the URL that was given. */
  readonly directory: string;
  /** There is always one for zerossl and google when `certificates` is acme. */
  readonly externalAccount: ExternalAccount | undefined;
  /** PEM file, absolute, that is trusted for the directory instead of the public authorities. */
  readonly caFile: string | undefined;
}

export interface AcmeConfig extends AcmeAuthority {
  readonly email: string | undefined;
  /** When it is false, an authority that has terms gives no account; known ones are refused when loading. */
  readonly agreeToTerms: boolean;
  /** In order of preference, at least one, none twice. dns-01 is never without `dns` when `certificates` is acme. */
  readonly challenges: readonly ('tls-alpn-01' | 'http-01' | 'dns-01' | 'dns-persist-01')[];
  readonly dns: DnsProviderConfig | undefined;
  /** The DNS servers to ask, by address; the system's when empty. */
  readonly resolvers: readonly HostPort[];
  /** The kind of certificate, by the authority's own name for it. */
  readonly profile: string | undefined;
  readonly key: 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-4096';
  /** Common name of an issuer: of several chains, the one that has it is taken. */
  readonly preferredChain: string | undefined;
  /** Asked when the first authority keeps failing; another directory than the first. */
  readonly fallback: AcmeAuthority | undefined;
}

/** Who writes the TXT records of dns-01. Paths are absolute; URLs have no credentials, no query, no slash at the end. */
export type DnsProviderConfig = {
  /** Milliseconds that the zone's name servers may take to show a record. */
  readonly propagationTimeout: number;
} & (
  | {
      readonly provider: 'rfc2136';
      /** Port 53 unless another was given. */
      readonly server: HostPort;
      /** Lower case, no dot at the end. */
      readonly keyName: string;
      /** Secret; base64. */
      readonly keySecret: string;
      readonly algorithm: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';
      /** Lower case, no dot at the end; to be found out when undefined. */
      readonly zone: string | undefined;
    }
  | {
      readonly provider: 'cloudflare';
      /** Secret. */
      readonly apiToken: string;
    }
  | { readonly provider: 'acme-dns'; readonly server: string; readonly accountFile: string }
  | {
      readonly provider: 'exec';
      readonly program: string;
      readonly mode: 'default' | 'raw';
      /** Milliseconds for one call. */
      readonly timeout: number;
    }
  | {
      readonly provider: 'httpreq';
      readonly url: string;
      readonly mode: 'default' | 'raw';
      /** For HTTP basic authentication; the password is secret. */
      readonly login: { readonly username: string; readonly password: string } | undefined;
    }
);

export interface WarningsConfig {
  /** http or https URL that warnings are posted to. Secret: tokens live in it. */
  readonly webhook: string | undefined;
  /** A room on somebody's homeserver; its URL has no slash at the end. */
  readonly matrix:
    | {
        readonly homeserver: string;
        readonly room: string;
        /** Secret. */
        readonly token: string;
      }
    | undefined;
}

/** The federation tester's page and API. */
export interface FederationTesterConfig {
  /** Whether strangers may use it, on the https listener. */
  readonly public: boolean;
  /** PEM file, absolute, of an authority that is trusted beside the public ones. */
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
  readonly warnings: WarningsConfig;
  readonly federationTester: FederationTesterConfig;
  readonly store: StoreConfig;
  readonly limits: LimitsConfig;
  /** `auto` is as many as the process may use processors. */
  readonly processes: number | 'auto';
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
