import type { UpstreamPool } from '../base/address.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { ServerName } from '../matrix/server-name.ts';
import type { PoolName } from '../matrix/worker-pools.ts';

/** One server of the configuration, as far as advice depends on it. The configuration's own entry has this shape. */
export interface AdvisedServer {
  readonly serverName: ServerName;
  readonly homeserver: UpstreamPool;
  readonly delegateTo: ServerName | undefined;
  readonly delegateBy: 'well-known' | 'srv' | 'both';
  readonly apex: 'here' | 'elsewhere';
  /** The services for calls, and their host where they have one of their own. */
  readonly rtc?: { readonly host: string | undefined } | undefined;
  /** Documents to merge over the derived ones, by name. */
  readonly wellKnown: Readonly<Record<string, JsonObject>>;
  /** The workers that take requests, by what they are for; undefined where the homeserver is one process. */
  readonly workers?: { readonly pools: Readonly<Partial<Record<PoolName, readonly unknown[]>>> } | undefined;
}

/** A certificate that one server needs, and where it comes from. Which names it has was decided elsewhere. */
export interface AdvisedCertificate {
  readonly names: readonly { readonly name: string; readonly why: string }[];
  readonly source:
    | { readonly kind: 'acme'; readonly profile: string | undefined }
    | { readonly kind: 'files'; readonly paths: readonly string[]; readonly listener: 'all' | 'federation' }
    | { readonly kind: 'local'; readonly root: string };
}

export type Challenge = 'tls-alpn-01' | 'http-01' | 'dns-01' | 'dns-persist-01';

/** How names are proved to the CA, as far as it can be known without asking it. */
export interface AcmeFacts {
  /** The CA's name, for people. */
  readonly ca: string;
  /** By which name CAA and `_validation-persist` records call it (RFC 8659); undefined where that is not known. */
  readonly issuer: string | undefined;
  readonly challenges: readonly Challenge[];
  /** Our account there; undefined before the first order. */
  readonly accountUrl: string | undefined;
  /** Who writes TXT records for dns-01; undefined where nobody does. */
  readonly dns: DnsFacts | undefined;
}

export interface DnsFacts {
  readonly provider: string;
  /** The only zone it writes; undefined where that is not configured. */
  readonly zone: string | undefined;
  /** Where the record for a name is really written, as acme-dns does it; undefined where it is the name itself. */
  readonly writesAt: (name: string) => string | undefined;
}

/** What all servers of a configuration have in common. */
export interface Deployment {
  /** Ports of each listener; empty where it is off. 0 stands for any. */
  readonly ports: {
    readonly https: readonly number[];
    readonly federation: readonly number[];
    readonly http: readonly number[];
  };
  readonly acme: AcmeFacts;
  /** The largest upload that the sidecar lets through, in bytes and as it is written in the configuration: `1GiB`. */
  readonly upload: { readonly bytes: number; readonly text: string };
  /** Half a sentence on why no public CA signs for a name; undefined where one might. */
  readonly whyNotPublic: (name: string) => string | undefined;
}
