import { type BindAddress, formatHostPort, type UpstreamPool } from '../base/address.ts';
import type { CidrSet } from '../base/cidr.ts';
import type { Finding } from '../base/finding.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { ServerName } from '../matrix/server-name.ts';
import type { HomeserverYamlReading } from '../synapse/homeserver-yaml.ts';
import type { SidecarFacts } from '../synapse/sidecar-facts.ts';

/** One homeserver of the configuration, and what follows for it. */
export interface DeployedServer {
  readonly name: ServerName;
  readonly homeserver: UpstreamPool;
  /** Who answers logins in its place; undefined where it does itself. */
  readonly mas: UpstreamPool | undefined;
  /** Undefined where there are none; `url` is the address below which clients find both, without a slash at the end. */
  readonly rtc:
    | {
        readonly jwt: UpstreamPool;
        readonly sfu: UpstreamPool;
        readonly host: string | undefined;
        readonly url: string;
      }
    | undefined;
  readonly delegateTo: ServerName | undefined;
  readonly delegateBy: 'well-known' | 'srv' | 'both';
  readonly apex: 'here' | 'elsewhere';
  /** Below /.well-known/matrix/, by name: what the sidecar publishes, or would if it were asked. */
  readonly documents: Readonly<Record<string, JsonObject>>;
  /** Synapse's configuration; undefined when nobody said where it is. */
  readonly synapse: HomeserverYamlReading | undefined;
  /** What Synapse's configuration has to agree with. */
  readonly facts: SidecarFacts;
}

/** A certificate that is needed, as it is stored. */
export interface StoredCertificate {
  /** At least one. */
  readonly names: readonly string[];
  /** `federation`: served on that listener alone. */
  readonly listener: 'all' | 'federation';
  readonly state: 'good' | 'expires-soon' | 'expired' | 'missing' | 'unusable';
  /** SHA-256 of the leaf, upper-case hex with colons; undefined when there is none. */
  readonly fingerprint: string | undefined;
  /** For people: "61 days left, until ...". */
  readonly validity: string;
  /** When and why the next one comes; undefined for certificates that somebody else brings. */
  readonly next: string | undefined;
  /** What keeps the sidecar from ordering one from a CA; empty when nothing does. */
  readonly heldUp: readonly { readonly what: string; readonly fix: string }[];
  readonly findings: readonly Finding[];
}

/** Everything that doctor has to know of a configuration. */
export interface Deployment {
  /** At least one. */
  readonly servers: readonly DeployedServer[];
  readonly listen: Readonly<Record<'https' | 'federation' | 'http' | 'admin', readonly BindAddress[]>>;
  /** Proxies in front that are believed when they name a client. */
  readonly trustedProxies: CidrSet;
  /** Whether others are meant to come from the internet; else a network of one's own is all that counts. */
  readonly reach: 'public' | 'private';
  /** As a running sidecar with this configuration says it at /api/status. */
  readonly digest: string;
}

/** Somewhere that others go to for one of the servers, and that has to lead here. */
export interface PublicPlace {
  readonly host: string;
  readonly port: number;
  readonly kind: ServerName['kind'];
  /** Which of our listeners is meant: clients' or other servers' port. */
  readonly listener: 'https' | 'federation';
  /** Who comes, for people: "other servers of example.com". */
  readonly who: readonly string[];
  /** The server names whose federation traffic comes here. */
  readonly federates: readonly string[];
}

const FEDERATION_PORT = 8448;
const HTTPS_PORT = 443;

/** Where others go, one entry for each host and port. Pure; nothing is resolved. */
export function listPublicPlaces({ servers, listen }: Deployment): readonly PublicPlace[] {
  const places = new Map<string, PublicPlace & { readonly who: string[]; readonly federates: string[] }>();
  const add = ({ host, kind }: Pick<ServerName, 'host' | 'kind'>, port: number, who: string, name?: string): void => {
    const key = formatHostPort(host, port);
    const federation = port === FEDERATION_PORT || listen.federation.some((address) => address.port === port);
    const listener = federation ? 'federation' : 'https';
    const place = places.get(key) ?? { host, kind, port, listener, who: [], federates: [] };
    places.set(key, place);
    place.who.push(who);
    if (name !== undefined) place.federates.push(name);
  };
  for (const { name, delegateTo, apex, documents, rtc } of servers) {
    const target = name.kind === 'dns' && name.port === undefined ? (delegateTo ?? name) : name;
    add(target, target.port ?? FEDERATION_PORT, `other servers of ${name.text}`, name.text);
    const client = readClientPlace(documents['client']);
    if (client !== undefined) add(client, client.port, `clients of ${name.text}`);
    if (rtc?.host !== undefined) add({ host: rtc.host, kind: 'dns' }, HTTPS_PORT, `calls of ${name.text}`);
    if (apex === 'here' && name.kind === 'dns' && name.port === undefined)
      add(name, HTTPS_PORT, `those who look for ${name.text}`);
  }
  return [...places.values()];
}

/** The host and port of `base_url`, if it is ours to answer there. */
function readClientPlace(
  document: JsonObject | undefined,
): (Pick<ServerName, 'host' | 'kind'> & { port: number }) | undefined {
  const homeserver = document?.['m.homeserver'] as { base_url?: unknown } | null | undefined;
  const text = homeserver?.base_url;
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined;
  const { hostname, port, protocol } = new URL(text);
  if (protocol !== 'https:') return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const kind = host.includes(':') ? 'ipv6' : /^\d+\.\d+\.\d+\.\d+$/.test(host) ? 'ipv4' : 'dns';
  return { host, kind, port: port === '' ? HTTPS_PORT : Number(port) };
}
