import * as z from 'zod';
import { parseUpstream, type Upstream } from '../base/address.ts';
import { type PoolName, SINGLE_POOLS, type Stream, type WORKER_POOLS } from '../matrix/worker-pools.ts';
import { quote } from './key-path.ts';
import { type Key, optionalKey, optionalSection } from './table-shape.ts';
import { readingList } from './values.ts';

/** Each is asked for its health, and weighed for each request that has a key. */
const MOST_INSTANCES = 64;

/** Where the workers of one pool listen: one place or several, none twice. */
function instances(most: number): z.ZodType<readonly Upstream[]> {
  return z
    .union([z.string(), z.array(z.string()).min(1)])
    .transform(readingList(parseUpstream))
    .superRefine((list, context) => {
      for (const [index, { text }] of list.entries()) {
        if (list.findIndex((other) => other.text === text) === index) continue;
        const message = `${quote(text)} is in the list twice; leave out one of them`;
        context.addIssue({ code: 'custom', message, path: [index] });
      }
      if (list.length <= most) return;
      const message =
        most === 1
          ? `${list.length} instances, where Synapse has one process alone; leave out all but one`
          : `${list.length} instances are too many; write at most ${most}`;
      context.addIssue({ code: 'custom', message });
    });
}

interface SaidOfPool {
  readonly says: string;
  readonly example: string | readonly string[];
  /** Who takes its requests where it is left out, before the main process. */
  readonly instead?: string;
}

type PoolKeys<N extends string> = { readonly [K in N]: Key<readonly Upstream[], false> };

/** One key for each pool, with nothing left out. */
function poolKeys<N extends PoolName>(said: Readonly<Record<N, SaidOfPool>>): PoolKeys<N> {
  const keys = (Object.entries(said) as [N, SaidOfPool][]).map(([name, { says, example, instead }]) => {
    const single = SINGLE_POOLS.has(name);
    const key = optionalKey(instances(single ? 1 : MOST_INSTANCES), {
      says: single ? `${says} One process alone.` : says,
      example,
      otherwise: instead === undefined ? 'the main process' : `${instead}, else the main process`,
    });
    return [name, key];
  });
  return Object.fromEntries(keys) as PoolKeys<N>;
}

const GENERIC = '`generic`';

const pools = poolKeys<(typeof WORKER_POOLS)[number]>({
  generic: {
    says: 'Everything that any worker can take and that has no pool of its own, SSO apart.',
    example: ['http://worker1:8081', 'http://worker2:8081'],
  },
  client_reader: {
    says: 'What clients read: rooms, members, devices, keys. Logins as well.',
    example: 'http://reader:8082',
    instead: GENERIC,
  },
  sync: {
    says: 'Syncs of clients, each user at one instance.',
    example: ['http://sync1:8083', 'http://sync2:8083'],
    instead: GENERIC,
  },
  initial_sync: {
    says: 'Syncs from the beginning (without `since`, or with `full_state`), which cost much.',
    example: 'http://initial:8083',
    instead: '`sync`, `generic`',
  },
  sliding_sync: {
    says: 'Simplified sliding sync (MSC4186), each user at one instance.',
    example: 'http://sliding:8083',
  },
  event_creator: {
    says: 'Sending events, joining and leaving, profiles; each room at one instance.',
    example: ['http://creator1:8084', 'http://creator2:8084'],
    instead: GENERIC,
  },
  pagination: {
    says: 'The history of rooms (/messages), each room at one instance.',
    example: 'http://history:8085',
    instead: '`client_reader`, `generic`',
  },
  federation_reader: {
    says: 'What other servers read, and their joins; equal requests at one instance.',
    example: ['http://federation1:8086', 'http://federation2:8086'],
    instead: GENERIC,
  },
  federation_inbound: {
    says: 'Transactions of other servers, each server at one instance.',
    example: ['http://inbound1:8086', 'http://inbound2:8086'],
    instead: GENERIC,
  },
  media: {
    says: 'The media repository. The main process cannot stand in for one that is away.',
    example: 'http://media:8087',
  },
  user_directory: { says: 'Searches for users.', example: 'http://directory:8088', instead: GENERIC },
  sso: { says: 'Logins by single sign-on, which end in the process where they began.', example: 'http://sso:8089' },
});

const READERS = 'for reads `client_reader`, `generic`';

const streams = poolKeys<Stream>({
  typing: {
    says: 'Typing notifications. The main process cannot stand in for one that is away.',
    example: 'http://typing:8090',
  },
  to_device: { says: 'Messages between devices.', example: 'unix:/run/synapse/to_device.sock' },
  account_data: { says: 'Account data and tags.', example: 'http://account-data:8091', instead: READERS },
  receipts: { says: 'Read receipts and markers.', example: ['http://receipts1:8092', 'http://receipts2:8092'] },
  presence: { says: 'Presence.', example: 'http://presence:8093', instead: READERS },
  push_rules: {
    says: 'Push rules. The main process cannot change them for one that is away.',
    example: 'http://push-rules:8094',
    instead: READERS,
  },
  device_lists: {
    says: 'Devices and their keys.',
    example: ['http://devices1:8095', 'http://devices2:8095'],
    instead: '`client_reader`, `generic`',
  },
  thread_subscriptions: {
    says: 'Subscriptions to threads (MSC4306). The main process cannot change them for one that is away.',
    example: 'http://threads:8096',
  },
  quarantined_media_changes: {
    says: 'The quarantine of media, on workers with a media repository.',
    example: 'http://media:8087',
    instead: '`media`',
  },
});

/** `servers[].workers`: the workers of one homeserver that take requests. */
export const workersSection = optionalSection(
  'The workers of this homeserver (Synapse with PostgreSQL and Redis) that take requests, by what they are for: for each pool http://host:port or unix:/path/of/the.socket, or a list of them. `homeserver` is the main process.',
  {
    ...pools,
    stream_writers: optionalSection(
      "The workers that Synapse's own `stream_writers` names, by stream; `events` takes no requests.",
      streams,
      { shown: ['typing'] },
    ),
    background: optionalKey(instances(MOST_INSTANCES), {
      says: 'Workers that take no requests: background tasks, pushers, federation senders, event persisters. They are asked for their health, and nothing else.',
      example: ['http://sender:8097', 'http://pusher:8098'],
      otherwise: 'nobody looks after them',
    }),
  },
  {
    shown: ['generic', 'media'],
    alsoCalled: {
      ...{ synchrotron: 'sync', initial_synchrotron: 'initial_sync', media_repository: 'media' },
      ...{ user_dir: 'user_directory', sso_login: 'sso', background_worker: 'background' },
      ...{ federation_sender: 'background', pusher: 'background', appservice: 'background' },
      ...{ event_persister: 'background' },
    },
  },
);
