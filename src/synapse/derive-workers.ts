import { formatHostPort, parseUpstream, type Upstream } from '../base/address.ts';
import { type PoolName, STREAMS, WORKER_POOLS } from '../matrix/worker-pools.ts';
import type { SynapseListener } from './listener.ts';
import { isLoopback } from './sidecar-facts.ts';
import type { SynapseProcesses, SynapseWorker } from './workers.ts';

/** A worker whose own file was read, and what the sidecar would use it for. */
export interface DerivedWorker {
  readonly name: string;
  readonly listener: SynapseListener;
  readonly place: Upstream;
  readonly pools: readonly (PoolName | 'background')[];
}

/** What workers are called that do one thing, by their names or by `worker_app` of old. */
const CALLED: Readonly<Record<string, readonly (PoolName | 'background')[]>> = {
  ...Object.fromEntries(WORKER_POOLS.map((pool) => [pool, [pool]])),
  synchrotron: ['sync'],
  initial_synchrotron: ['initial_sync'],
  user_dir: ['user_directory'],
  media_repository: ['media'],
  federation_reader: ['federation_reader', 'federation_inbound'],
  federation_sender: ['background'],
  pusher: ['background'],
  appservice: ['background'],
};

/**
 * Which pools the workers of a Synapse would be in, by their files: streams by `stream_writers`, the rest by what they serve
 * and are called. Those without a listener that the sidecar could use are left out. Pure.
 */
export function deriveWorkers(processes: SynapseProcesses): readonly DerivedWorker[] {
  return processes.workers.flatMap((worker) => {
    const listener = worker.listeners.find(({ type, resources }) => type === 'http' && resources.some(isOurs));
    const place = listener === undefined ? undefined : findPlace(worker, listener, processes);
    if (listener === undefined || place === undefined) return [];
    return [{ name: worker.name, listener, place, pools: choosePools(worker, listener, processes) }];
  });
}

const isOurs = (resource: string): boolean => ['client', 'federation', 'media', 'health'].includes(resource);

/** On this machine where it listens for that alone; else where the others look for it, or under its name. */
function findPlace(
  { name }: SynapseWorker,
  { at }: SynapseListener,
  { hosts }: SynapseProcesses,
): Upstream | undefined {
  const known = at.kind === 'tcp' && at.bindAddresses.every(isLoopback) ? '127.0.0.1' : (hosts.get(name) ?? name);
  const parsed = parseUpstream(at.kind === 'unix' ? `unix:${at.path}` : `http://${formatHostPort(known, at.port)}`);
  return parsed.ok ? parsed.value : undefined;
}

function choosePools(
  { name, app }: SynapseWorker,
  { resources }: SynapseListener,
  { writers, userDirectory }: SynapseProcesses,
): readonly (PoolName | 'background')[] {
  const [client, federation, media] = ['client', 'federation', 'media'].map((one) => resources.includes(one));
  const streams = client || media ? STREAMS.filter((stream) => writers[stream]?.includes(name)) : [];
  if (media) return ['media', ...streams];
  const called =
    CALLED[app] ??
    CALLED[
      name
        .toLowerCase()
        .replace(/[-_]*\d*$/, '')
        .replaceAll('-', '_')
    ];
  if (called?.includes('background') || (!client && !federation)) return ['background'];
  const directory = client && userDirectory === name ? (['user_directory'] as const) : [];
  if (streams.length > 0) return [...streams, ...directory];
  if (called !== undefined) return called;
  const rest = !client
    ? (['federation_reader', 'federation_inbound'] as const)
    : federation
      ? (['generic'] as const)
      : (['client_reader'] as const);
  return [...rest, ...directory];
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
