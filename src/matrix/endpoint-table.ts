/**
 * Where in Matrix a path belongs. `synapse-client` is /_synapse/client (single sign-on pages), `synapse-admin` the
 * admin API, `synapse-internal` everything else below /_synapse (metrics, replication, MAS), never public. `rtc` are the
 * services for calls beside a homeserver, which have no paths of Matrix's.
 */
export type Surface =
  | 'client'
  | 'federation'
  | 'key'
  | 'media'
  | 'synapse-client'
  | 'synapse-admin'
  | 'synapse-internal'
  | 'rtc'
  | 'other';

/** Which of the two configured limits holds for a request body. */
export type BodyLimit = 'body' | 'upload';

/**
 * May a request be sent a second time after its connection died before any answer? `transaction` means that the
 * transaction id in the path makes a repeated PUT harmless (client-server API "Transaction identifiers",
 * server-server API "Transactions"); `read-only` that a POST only asks for something; `marker` that it moves a marker to
 * the event that it names, where a second time finds it (client-server API "Receipts", "Fully read markers");
 * `idempotent` that the method alone decides (RFC 9110 section 9.2.2, which lets a proxy repeat others whose meaning it knows).
 */
export type RetrySafety = 'idempotent' | 'transaction' | 'read-only' | 'marker' | 'never';

/** One row: path segments with `{x}` for any one segment and a final `**` for any rest. */
export interface EndpointRow {
  readonly pattern: string;
  readonly surface: Surface;
  /** Milliseconds that the homeserver may take until its answer begins, counted from the end of the request. */
  readonly deadline?: number;
  readonly bodyLimit?: BodyLimit;
  readonly retry?: RetrySafety;
  /** Milliseconds that a request may wait for a homeserver that is away; by surface where nothing is said. */
  readonly patience?: number;
  /**
   * Where the homeserver cannot be had, other servers are told 408 (RFC 9110 section 15.5.9: ask again) instead of 502.
   * Their own timer is too short to wait for a restart, and a 5xx, or no answer, makes them stay away for ten minutes
   * and more; a 408 does not (Synapse util/retryutils.py).
   */
  readonly mildFailure?: true;
  /** The homeserver answers when there is news: how long that takes says nothing of it. */
  readonly waits?: true;
  /** The same for everybody, so that what the homeserver said last can be said in its place while it is away. */
  readonly lastGood?: true;
}

const MINUTE = 60_000;

/** Deadlines where nothing more particular is said. Peers themselves give up at 60 s (Synapse `client_timeout`). */
export const DEFAULT_DEADLINE = 3 * MINUTE;

/** Milliseconds that leave a peer with a timer of 10 s time enough to hear of it. */
const PEERS_10_S = 8_000;

/**
 * How long a request may wait for a homeserver that is away, by surface. Peers give up at 60 s and key fetches at 10 s
 * (Synapse http/federation/matrixfederationclient.py, crypto/keyring.py). What takes 50 of 60 s to be answered has done
 * no harm; an error would have: peers then stay away for ten minutes and more. Clients that wait less than 50 s leave by
 * themselves and come again; the others are answered.
 */
export const PATIENCE: Readonly<Record<Surface, number>> = {
  federation: 50_000,
  key: PEERS_10_S,
  client: 50_000,
  media: 50_000,
  'synapse-client': 50_000,
  'synapse-admin': 0,
  'synapse-internal': 0,
  rtc: 15_000,
  other: 15_000,
};

/** Long work on either side of a room: joins of large rooms take minutes in Synapse. */
const SLOW = 10 * MINUTE;
/** An initial sync of a large account; a client's own `timeout` is far below. */
const SYNC = 15 * MINUTE;

const CLIENT_VERSIONS = ['api/v1', 'r0', 'v1', 'v3', 'unstable'] as const;

function client(path: string, row: Omit<EndpointRow, 'pattern' | 'surface'>): EndpointRow[] {
  return CLIENT_VERSIONS.map((version) => ({
    pattern: `/_matrix/client/${version}/${path}`,
    surface: 'client',
    ...row,
  }));
}

function federation(path: string, row: Omit<EndpointRow, 'pattern' | 'surface'>): EndpointRow[] {
  return ['v1', 'v2'].map((version) => ({
    pattern: `/_matrix/federation/${version}/${path}`,
    surface: 'federation',
    ...row,
  }));
}

function media(path: string, row: Omit<EndpointRow, 'pattern' | 'surface'>): EndpointRow[] {
  return [
    ...['r0', 'v1', 'v3'].map((version) => ({
      pattern: `/_matrix/media/${version}/${path}`,
      surface: 'media' as const,
      ...row,
    })),
    { pattern: `/_matrix/client/v1/media/${path}`, surface: 'client', ...row },
  ];
}

/** The endpoints that differ from their surface's defaults, and the surfaces themselves. More particular rows win. */
export const ENDPOINT_ROWS: readonly EndpointRow[] = [
  { pattern: '/_matrix/**', surface: 'other' },
  { pattern: '/_matrix/client/**', surface: 'client' },
  { pattern: '/_matrix/federation/**', surface: 'federation' },
  { pattern: '/_matrix/key/**', surface: 'key', deadline: MINUTE },
  { pattern: '/_matrix/media/**', surface: 'media' },
  { pattern: '/_synapse/**', surface: 'synapse-internal' },
  { pattern: '/_synapse/client/**', surface: 'synapse-client' },
  { pattern: '/_synapse/admin/**', surface: 'synapse-admin', deadline: SLOW },

  ...client('sync', { deadline: SYNC, waits: true }),
  ...client('events', { deadline: SYNC, waits: true }),
  ...client('initialSync', { deadline: SYNC }),
  ...client('rooms/{roomId}/initialSync', { deadline: SYNC }),
  { pattern: '/_matrix/client/v4/sync', surface: 'client', deadline: SYNC, waits: true },
  {
    pattern: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
    surface: 'client',
    deadline: SYNC,
    waits: true,
  },
  ...client('join/{roomIdOrAlias}', { deadline: SLOW }),
  ...client('knock/{roomIdOrAlias}', { deadline: SLOW }),
  ...client('createRoom', { deadline: SLOW }),
  ...client('rooms/{roomId}/join', { deadline: SLOW }),
  ...client('rooms/{roomId}/invite', { deadline: SLOW }),
  ...client('rooms/{roomId}/leave', { deadline: SLOW }),
  ...client('rooms/{roomId}/upgrade', { deadline: SLOW }),
  ...client('rooms/{roomId}/messages', { deadline: SLOW }),
  ...client('rooms/{roomId}/send/{eventType}/{txnId}', { retry: 'transaction' }),
  ...client('rooms/{roomId}/redact/{eventId}/{txnId}', { retry: 'transaction' }),
  ...client('sendToDevice/{eventType}/{txnId}', { retry: 'transaction' }),
  // Apps say it again while somebody types: after seconds it is no longer true.
  ...client('rooms/{roomId}/typing/{userId}', { patience: 5_000 }),
  ...client('rooms/{roomId}/receipt/{receiptType}/{eventId}', { retry: 'marker' }),
  ...client('rooms/{roomId}/read_markers', { retry: 'marker' }),

  // A second PUT is told that the alias, or the membership, is there already.
  ...client('directory/room/{roomAlias}', { retry: 'never' }),
  ...federation('exchange_third_party_invite/{roomId}', { retry: 'never' }),
  ...client('keys/query', { retry: 'read-only' }),
  ...client('search', { retry: 'read-only' }),
  ...client('publicRooms', { retry: 'read-only' }),
  ...client('user_directory/search', { retry: 'read-only' }),

  { pattern: '/_matrix/key/v2/server', surface: 'key', deadline: MINUTE, lastGood: true },
  { pattern: '/_matrix/federation/v1/version', surface: 'federation', lastGood: true },
  { pattern: '/_matrix/client/versions', surface: 'client', lastGood: true },
  { pattern: '/_matrix/key/v2/query', surface: 'key', deadline: MINUTE, retry: 'read-only' },
  ...federation('send/{txnId}', { retry: 'transaction' }),
  // With timers of their own in Synapse: 10 s in rest/client/keys.py and federation/transport/client.py make_query, 30 s in
  // federation/federation_client.py query_user_devices, 20 s in make_membership_event.
  ...federation('user/keys/query', { retry: 'read-only', patience: PEERS_10_S, mildFailure: true }),
  ...federation('user/keys/claim', { retry: 'never', patience: PEERS_10_S, mildFailure: true }),
  ...federation('user/devices/{userId}', { patience: 25_000, mildFailure: true }),
  ...federation('query/{queryType}', { patience: PEERS_10_S, mildFailure: true }),
  ...federation('publicRooms', { retry: 'read-only' }),
  // No milder failure: at a 408 peers would not go on to the next server that could let them in.
  ...federation('make_join/{roomId}/{userId}', { deadline: SLOW, patience: 17_000 }),
  ...federation('make_knock/{roomId}/{userId}', { patience: 17_000 }),
  ...federation('make_leave/{roomId}/{userId}', { patience: 17_000 }),
  ...federation('send_join/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('send_knock/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('send_leave/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('invite/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('backfill/{roomId}', { deadline: SLOW }),
  ...federation('state/{roomId}', { deadline: SLOW }),
  ...federation('state_ids/{roomId}', { deadline: SLOW }),
  ...federation('get_missing_events/{roomId}', { deadline: SLOW, retry: 'read-only' }),
  ...federation('media/**', { deadline: SLOW }),

  ...media('upload', { deadline: SLOW, bodyLimit: 'upload', retry: 'never' }),
  ...media('upload/{serverName}/{mediaId}', { deadline: SLOW, bodyLimit: 'upload', retry: 'never' }),
  ...media('download/**', { deadline: SLOW }),
  ...media('thumbnail/**', { deadline: SLOW }),
  ...media('preview_url', { deadline: SLOW }),
];
