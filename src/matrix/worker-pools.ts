/**
 * Pools of Synapse workers that take requests, by the names that operators know from Synapse's documentation
 * ("Available worker applications" in docs/workers.md, and the types of its docker/configure_workers_and_start.py).
 * `generic` takes whatever that document lists for `synapse.app.generic_worker` and no other pool is there for.
 */
export const WORKER_POOLS = [
  'generic',
  'client_reader',
  'sync',
  'initial_sync',
  'sliding_sync',
  'event_creator',
  'pagination',
  'federation_reader',
  'federation_inbound',
  'media',
  'user_directory',
  'sso',
] as const;

/** Streams of Synapse whose writers take requests (config/workers.py, `WriterLocations`); `events` takes none. */
export const STREAMS = [
  'typing',
  'to_device',
  'account_data',
  'receipts',
  'presence',
  'push_rules',
  'device_lists',
  'thread_subscriptions',
  'quarantined_media_changes',
] as const;

export type Stream = (typeof STREAMS)[number];
export type PoolName = (typeof WORKER_POOLS)[number] | Stream;

/**
 * Pools that are one process and no more, each with the reason: Synapse refuses a second writer of these streams
 * (config/workers.py, "Must only specify one instance"), and logins by SSO live in the memory of the process that began
 * them (docs/workers.md, "Ensure that all SSO logins go to a single process").
 */
export const SINGLE_POOLS: ReadonlySet<PoolName> = new Set([
  'typing',
  'to_device',
  'account_data',
  'presence',
  'push_rules',
  'sso',
]);

/**
 * By what the requests of a route are spread over the instances of a pool, so that equal ones meet in one process:
 * the user whose token it is, the room or the user in the path, the server that a federation request is from, the whole
 * request target; `none` where any instance will do.
 */
export type BalancingKey = 'user' | 'room' | 'path-user' | 'origin' | 'uri' | 'none';

/**
 * Where requests go when no instance of the pools can be had. `main`: to the main process, which can answer them.
 * `reads`: the main process can answer GET, and only the writer of the stream the others. `none`: the main process
 * would answer them with an error.
 */
export type Failover = 'main' | 'reads' | 'none';
