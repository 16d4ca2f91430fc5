import { formatHostPort, type Upstream } from '../base/address.ts';
import { type PoolName, SINGLE_POOLS, STREAMS } from '../matrix/worker-pools.ts';
import { type DerivedWorker, deriveWorkers } from './derive-workers.ts';
import type { HomeserverYaml } from './homeserver-yaml.ts';
import { PASSED_ON } from './lint-workers.ts';
import { nameListener, type SynapseListener, serves } from './listener.ts';
import { chooseLoopback, isEverywhere, isLoopback } from './sidecar-facts.ts';
import type { Place, YamlPath } from './yaml-file.ts';

/** Where something stands in Synapse's configuration. */
export interface SourcePlace extends Place {
  /** Synapse's name for it. */
  readonly key: string;
}

/** A value for the sidecar's configuration. Plain JSON. */
export interface Derived {
  /** Below the server: `['homeserver']`, `['workers', 'stream_writers', 'typing']`. */
  readonly path: YamlPath;
  /** As it would be written. */
  readonly value: string | readonly string[];
  /** Of each item of a list, otherwise one. */
  readonly places: readonly SourcePlace[];
}

/** What is in Synapse's configuration and yet no value for the sidecar's. Plain JSON. */
export interface NotDerived {
  readonly path: YamlPath;
  /** What goes on after the place. */
  readonly why: string;
  readonly place: SourcePlace;
}

export interface Derivation {
  readonly derived: readonly Derived[];
  readonly left: readonly NotDerived[];
}

/** Where Synapse looks for the authentication service when `endpoint` is left out (synapse/config/mas.py). */
const DEFAULT_ENDPOINT = 'http://localhost:8080';

/** The server's name. */
export function deriveName(yaml: HomeserverYaml): Derivation {
  const place = { ...yaml.place(['server_name']), key: 'server_name' };
  return { derived: [{ path: ['server_name'], value: yaml.serverName, places: [place] }], left: [] };
}

/** Where the main process is for the sidecar, if its listeners leave no doubt. Pure. */
export function deriveHomeserver({ listeners, place }: HomeserverYaml): Derivation {
  const path = ['homeserver'];
  const usable = listeners.filter((one) => !one.tls && serves(one, 'client') && serves(one, 'federation'));
  const [listener] = usable;
  if (listener === undefined || usable.length > 1) {
    const why =
      listener === undefined
        ? 'no listener serves both client and federation without TLS'
        : `${usable.map(nameListener).join(' and ')} serve both client and federation`;
    return { derived: [], left: [{ path, why, place: { ...place(['listeners']), key: 'listeners' } }] };
  }
  const at = { ...listener.place, key: 'listeners' };
  const value = locate(listener);
  if (value !== undefined) return { derived: [{ path, value, places: [at] }], left: [] };
  const why = `${nameListener(listener)} is bound on more than one address, and only you know by which name the sidecar reaches it`;
  return { derived: [], left: [{ path, why, place: at }] };
}

/** Somebody who listens for this machine alone is reached from it alone; of a single address there is no doubt either. */
function locate({ at }: SynapseListener): string | undefined {
  if (at.kind === 'unix') return `unix:${at.path}`;
  const http = (host: string): string => `http://${formatHostPort(host, at.port)}`;
  const outside = at.bindAddresses.filter((address) => !isLoopback(address));
  if (outside.length === 0) return http(chooseLoopback(at.bindAddresses));
  return outside.length === 1 && !isEverywhere(outside[0]!) ? http(outside[0]!) : undefined;
}

/** The authentication service, by the address that Synapse has for it: the public one is of no use. Pure. */
export function deriveAuthentication(yaml: HomeserverYaml, homeserver: Upstream): Derivation {
  const service = yaml.authenticationService;
  if (service === undefined) return { derived: [], left: [] };
  const path = ['mas'];
  const key = service.early ? 'experimental_features' : 'matrix_authentication_service';
  const place = { ...yaml.place([key]), key };
  const text = service.endpoint ?? DEFAULT_ENDPOINT;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (why: string): Derivation => ({ derived: [], left: [{ path, why, place }] });
  if (url?.protocol !== 'http:' || url.pathname !== '/')
    return refuse('logins are left to a service whose address without TLS is not in the file');
  const elsewhere = homeserver.kind === 'tcp' && !isLoopback(homeserver.host);
  if (elsewhere && isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    return refuse(`logins are left to ${url.host}, which is on the machine of the homeserver (${homeserver.text})`);
  return { derived: [{ path, value: url.origin, places: [place] }], left: [] };
}

/** The pools of workers, by the files of these. Pure. */
export function deriveWorkerMap(yaml: HomeserverYaml, homeserver: Upstream): Derivation {
  const all = deriveWorkers(yaml.processes, homeserver);
  const left: NotDerived[] = [];
  const leave = (path: YamlPath, why: string, place: Place): void =>
    void left.push({ path, why, place: { ...place, key: 'worker_listeners' } });
  for (const { name, doubt, listener } of all) {
    if (doubt !== undefined) leave(['workers'], `the worker ${name} ${doubt}`, listener.place);
  }
  const sure = all.filter(({ doubt }) => doubt === undefined);
  const places = Map.groupBy(sure, ({ place }) => place.text);
  for (const [text, twins] of places) {
    if (twins.length === 1) continue;
    const [{ listener }] = twins as [(typeof twins)[number]];
    leave(['workers'], `${twins.map(({ name }) => name).join(' and ')} would all be at ${text}`, listener.place);
  }
  const usable = sure.filter(({ place }) => places.get(place.text)?.length === 1);
  const pools = [...new Set(usable.flatMap((one) => one.pools))];
  const derived = pools.flatMap((pool): Derived[] => {
    const members = usable.filter((one) => one.pools.includes(pool));
    const path = isStream(pool) ? ['workers', 'stream_writers', pool] : ['workers', pool];
    if (pool !== 'background' && SINGLE_POOLS.has(pool) && members.length > 1) {
      const names = members.map(({ name }) => name).join(' and ');
      leave(path, `${names} are all for ${pool}, which one process alone can be`, members[0]!.listener.place);
      return [];
    }
    const value = members.map(({ place }) => place.text);
    return [{ path, value, places: members.map(({ listener }) => ({ ...listener.place, key: 'worker_listeners' })) }];
  });
  return { derived, left: [...left, ...listLostMedia(yaml, pools), ...listLostWriters(yaml, all, pools)] };
}

/** All of it would be answered with 404. */
function listLostMedia({ processes, place }: HomeserverYaml, pools: Pools): readonly NotDerived[] {
  if (processes.mainServesMedia || pools.includes('media')) return [];
  const why = 'the main process serves none, and no file says which worker does';
  return [{ path: ['workers', 'media'], why, place: { ...place(['enable_media_repo']), key: 'enable_media_repo' } }];
}

/** Streams of which only the writer takes what is written, and nobody says where that is. */
function listLostWriters(
  { processes, place }: HomeserverYaml,
  known: readonly DerivedWorker[],
  pools: Pools,
): readonly NotDerived[] {
  return STREAMS.flatMap((stream): readonly NotDerived[] => {
    const lost = (processes.writers[stream] ?? []).filter((writer) => !known.some(({ name }) => name === writer));
    // Without a pool of its own, what is written to that one goes to the media repository.
    const stoodInFor = stream === 'quarantined_media_changes' && pools.includes('media');
    if (lost.length === 0 || PASSED_ON.has(stream) || stoodInFor) return [];
    const who = `${lost.join(' and ')} write${lost.length === 1 ? 's' : ''} it`;
    const path = ['workers', 'stream_writers', stream];
    const at = { ...place(['stream_writers']), key: 'stream_writers' };
    return [{ path, why: `${who}, and no file says where that listens`, place: at }];
  });
}

type Pools = readonly (PoolName | 'background')[];

const isStream = (pool: PoolName | 'background'): boolean => (STREAMS as readonly string[]).includes(pool);
