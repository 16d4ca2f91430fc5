/**
 * Where in Matrix a path belongs. `synapse-client` is /_synapse/client (single sign-on pages), `synapse-admin` the
 * admin API, `synapse-internal` everything else below /_synapse (metrics, replication, MAS), never public.
 */
export type Surface =
  | 'client'
  | 'federation'
  | 'key'
  | 'media'
  | 'synapse-client'
  | 'synapse-admin'
  | 'synapse-internal'
  | 'other';

/** Which of the two configured limits holds for a request body. */
export type BodyLimit = 'body' | 'upload';

/**
 * May a request be sent a second time after its connection died before any answer? `transaction` means that the
 * transaction id in the path makes a repeated PUT harmless (client-server API "Transaction identifiers",
 * server-server API "Transactions"); `idempotent` that the method alone decides (RFC 9110 section 9.2.2).
 */
export type RetrySafety = 'idempotent' | 'transaction' | 'never';

/** One row: path segments with `{x}` for any one segment and a final `**` for any rest. */
export interface EndpointRow {
  readonly pattern: string;
  readonly surface: Surface;
  /** Milliseconds that the homeserver may take until its answer begins, counted from the end of the request. */
  readonly deadline?: number;
  readonly bodyLimit?: BodyLimit;
  readonly retry?: RetrySafety;
}

const MINUTE = 60_000;

/** Deadlines where nothing more particular is said. Peers themselves give up at 60 s (Synapse `client_timeout`). */
export const DEFAULT_DEADLINE = 3 * MINUTE;

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

  ...client('sync', { deadline: SYNC }),
  ...client('events', { deadline: SYNC }),
  ...client('initialSync', { deadline: SYNC }),
  ...client('rooms/{roomId}/initialSync', { deadline: SYNC }),
  { pattern: '/_matrix/client/v4/sync', surface: 'client', deadline: SYNC },
  { pattern: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', surface: 'client', deadline: SYNC },
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

  ...federation('send/{txnId}', { retry: 'transaction' }),
  ...federation('make_join/{roomId}/{userId}', { deadline: SLOW }),
  ...federation('send_join/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('send_knock/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('send_leave/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('invite/{roomId}/{eventId}', { deadline: SLOW }),
  ...federation('backfill/{roomId}', { deadline: SLOW }),
  ...federation('state/{roomId}', { deadline: SLOW }),
  ...federation('state_ids/{roomId}', { deadline: SLOW }),
  ...federation('get_missing_events/{roomId}', { deadline: SLOW }),
  ...federation('media/**', { deadline: SLOW }),

  ...media('upload', { deadline: SLOW, bodyLimit: 'upload', retry: 'never' }),
  ...media('upload/{serverName}/{mediaId}', { deadline: SLOW, bodyLimit: 'upload' }),
  ...media('download/**', { deadline: SLOW }),
  ...media('thumbnail/**', { deadline: SLOW }),
  ...media('preview_url', { deadline: SLOW }),
];
