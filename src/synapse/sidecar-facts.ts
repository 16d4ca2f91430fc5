import type { Upstream } from '../base/address.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { PoolName } from '../matrix/worker-pools.ts';

/** Where the workers of one homeserver are for the sidecar. */
export interface SidecarWorkers {
  /** Those that take requests. */
  readonly pools: Readonly<Partial<Record<PoolName, readonly Upstream[]>>>;
  /** Those that take none. */
  readonly background: readonly Upstream[];
}

/** What the sidecar does for one homeserver, as far as Synapse's configuration has to agree with it. */
export interface SidecarFacts {
  /** As the sidecar's configuration has it. */
  readonly serverName: string;
  /** Where the sidecar sends requests. */
  readonly homeserver: Upstream;
  /** What the sidecar publishes at /.well-known/matrix/client and server; undefined where it publishes none. */
  readonly clientDocument: JsonObject;
  readonly serverDocument: JsonObject | undefined;
  /** Bytes that the sidecar lets through of a media upload. */
  readonly uploadLimit: number;
  /** True when the certificates are not from a public authority, so that the peers are a network of one's own. */
  readonly privateFederation: boolean;
  /** Where the sidecar sends logins in place of the homeserver, if it does. */
  readonly mas: Upstream | undefined;
  /** Where clients find lk-jwt-service, the address that the client document has, and whether that host is theirs alone; undefined where there are no calls. */
  readonly rtc: { readonly url: string; readonly ownHost: boolean } | undefined;
  /** Undefined where the sidecar knows of none. */
  readonly workers: SidecarWorkers | undefined;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i;

/** Whether only programs on the same machine (or in the same container) reach this address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Of addresses for programs on the same machine, the one to ask at: IPv4 where there are both; `localhost` is written as Synapse binds it first. */
export function chooseLoopback(addresses: readonly string[]): string {
  const written = addresses.map((one) => (one.toLowerCase() === 'localhost' ? '127.0.0.1' : one));
  return written.find((one) => one.includes('.')) ?? '::1';
}

/** Whether an address to bind stands for all addresses of the machine. */
export function isEverywhere(address: string): boolean {
  return address === '::' || address === '0.0.0.0' || address === '';
}
