import { isIP } from 'node:net';
import { formatHostPort, parseUpstream, type Upstream } from '../base/address.ts';
import { type PoolName, STREAMS, WORKER_POOLS } from '../matrix/worker-pools.ts';
import { nameListener, type SynapseListener } from './listener.ts';
import { chooseLoopback, isEverywhere, isLoopback } from './sidecar-facts.ts';
import type { SynapseProcesses, SynapseWorker } from './workers.ts';

/** A worker whose own file was read, and what the sidecar would use it for. */
export interface DerivedWorker {
  readonly name: string;
  readonly listener: SynapseListener;
  readonly place: Upstream;
  readonly pools: readonly (PoolName | 'background')[];
  /** Why the sidecar may not reach it there, as the end of a sentence about it; undefined where the files leave no doubt. */
  readonly doubt: string | undefined;
}

/** What workers are called that do one thing, by their names or by `worker_app` of old. */
const CALLED: ReadonlyMap<string, readonly (PoolName | 'background')[]> = new Map<
  string,
  readonly (PoolName | 'background')[]
>([
  ...WORKER_POOLS.map((pool) => [pool, [pool]] as const),
  ['synchrotron', ['sync']],
  ['initial_synchrotron', ['initial_sync']],
  ['user_dir', ['user_directory']],
  ['media_repository', ['media']],
  ['federation_reader', ['federation_reader', 'federation_inbound']],
  ['federation_sender', ['background']],
  ['pusher', ['background']],
  ['appservice', ['background']],
]);

/**
 * Which pools the workers of a Synapse would be in, by their files: streams by `stream_writers`, the rest by what they serve
 * and are called. Those without a listener that the sidecar could use are left out. `homeserver` is where the sidecar reaches the
 * main process, which tells whether that is on the same machine. Pure.
 */
export function deriveWorkers(processes: SynapseProcesses, homeserver: Upstream): readonly DerivedWorker[] {
  return processes.workers.flatMap((worker) => {
    return chooseListeners(worker).flatMap((listener) => {
      const { host, doubt } = findHost(worker, listener, processes, homeserver);
      const { at, tls } = listener;
      const parsed = parseUpstream(at.kind === 'unix' ? `unix:${at.path}` : `http://${formatHostPort(host, at.port)}`);
      if (!parsed.ok) return [];
      const pools = choosePools(worker, listener, processes);
      const why = tls ? `expects TLS on ${nameListener(listener)}, and the sidecar speaks plain HTTP to it` : doubt;
      return [{ name: worker.name, listener, place: parsed.value, pools, doubt: why }];
    });
  });
}

const TAKING = ['client', 'federation', 'media'];

/**
 * Those that together take whatever the worker takes, each something that no other takes: without TLS before with TLS, those
 * that take more before others. Where it takes no requests, the one by which it says how it is.
 */
function chooseListeners({ listeners }: SynapseWorker): readonly SynapseListener[] {
  const takes = ({ resources }: SynapseListener): string[] => TAKING.filter((one) => resources.includes(one));
  const open = listeners
    .filter(({ type }) => type === 'http')
    .toSorted((a, b) => Number(a.tls) - Number(b.tls) || takes(b).length - takes(a).length);
  const chosen: SynapseListener[] = [];
  for (const listener of open) {
    if (takes(listener).some((one) => !chosen.some(({ resources }) => resources.includes(one)))) chosen.push(listener);
  }
  return chosen.length > 0 ? chosen : open.filter(({ resources }) => resources.includes('health')).slice(0, 1);
}

interface Host {
  /** Without meaning for a socket. */
  readonly host: string;
  readonly doubt: string | undefined;
}

/**
 * The host that a worker is at for the sidecar. Where it binds and where `instance_map` has it say so together: what Synapse finds at
 * 127.0.0.1 is on the machine of the main process, and what binds that alone nobody else reaches.
 */
function findHost(
  { name }: SynapseWorker,
  { at }: SynapseListener,
  { hosts }: SynapseProcesses,
  homeserver: Upstream,
): Host {
  const here = homeserver.kind === 'unix' || isLoopback(homeserver.host);
  const apart = `for its own machine alone, and the homeserver is elsewhere (${homeserver.text})`;
  if (at.kind === 'unix') return { host: '', doubt: here ? undefined : `listens on ${at.path}, ${apart}` };
  const [address] = at.bindAddresses;
  if (at.bindAddresses.every(isLoopback)) {
    const host = chooseLoopback(at.bindAddresses);
    return { host, doubt: here ? undefined : `listens ${apart}` };
  }
  const known = hosts.get(name);
  if (known !== undefined && !isLoopback(known)) return { host: known, doubt: undefined };
  if (at.bindAddresses.length === 1 && address !== undefined && isIP(address) !== 0 && !isEverywhere(address))
    return { host: address, doubt: undefined };
  const main = hosts.get('main');
  const oneMachine = known !== undefined || (here && (main === undefined || isLoopback(main)));
  if (oneMachine && homeserver.kind === 'tcp') return { host: homeserver.host, doubt: undefined };
  return { host: name, doubt: 'listens on every address, and instance_map does not say at which host' };
}

function choosePools(
  { name, app }: SynapseWorker,
  { resources }: SynapseListener,
  { writers, userDirectory }: SynapseProcesses,
): readonly (PoolName | 'background')[] {
  const [client, federation, media] = ['client', 'federation', 'media'].map((one) => resources.includes(one));
  const streams = client || media ? STREAMS.filter((stream) => writers[stream]?.includes(name)) : [];
  if (media) return ['media', ...streams];
  const word = name
    .toLowerCase()
    .replace(/[-_]*\d*$/, '')
    .replaceAll('-', '_');
  const called = CALLED.get(app) ?? CALLED.get(word);
  if (called?.includes('background') || (!client && !federation)) return ['background'];
  const directory = client && userDirectory === name ? (['user_directory'] as const) : [];
  if (streams.length > 0) return [...streams, ...directory];
  if (called?.every((pool) => canTake(pool, client === true, federation === true))) return called;
  const rest = !client
    ? (['federation_reader', 'federation_inbound'] as const)
    : federation
      ? (['generic'] as const)
      : (['client_reader'] as const);
  return [...rest, ...directory];
}

/** What it is called for has to be taken at that listener: it may have another for the rest. */
function canTake(pool: PoolName | 'background', client: boolean, federation: boolean): boolean {
  if (pool === 'generic') return client && federation;
  return pool === 'federation_reader' || pool === 'federation_inbound' ? federation : client;
}

/** `workers` as it stands in the sidecar's configuration, line by line; empty without workers. */
export function writeWorkers(derived: readonly DerivedWorker[]): readonly string[] {
  const line = (indent: string, pool: PoolName | 'background'): string[] => {
    const places = derived.filter(({ pools }) => pools.includes(pool)).map(({ place }) => place.text);
    if (places.length === 0) return [];
    return [`${indent}${pool}: ${places.length === 1 ? places[0] : `[${places.join(', ')}]`}`];
  };
  const streams = STREAMS.flatMap((stream) => line('        ', stream));
  const lines = [
    ...WORKER_POOLS.flatMap((pool) => line('      ', pool)),
    ...(streams.length === 0 ? [] : ['      stream_writers:', ...streams]),
    ...line('      ', 'background'),
  ];
  return lines.length === 0 ? [] : ['    workers:', ...lines];
}
