/**
 * A kind of request that other servers make. Weights and times are our reading of what a Synapse of some hundred
 * users sees, not a recording: most of it are transactions, much of it comes on new connections, because a server
 * that talks to thousands of others keeps few connections.
 */
export interface Kind {
  readonly name: string;
  /** Out of the sum of all. */
  readonly weight: number;
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  /** Bytes of the request's body; the answer's where it is not the well-known document. */
  readonly sends: number;
  readonly answers: number;
  /** Milliseconds that Synapse takes, the median; single requests vary from half to three times that. */
  readonly takes: number;
  /** The proxy answers by itself. */
  readonly own?: boolean;
}

const FEDERATION = '/_matrix/federation/v1';
const ROOM = '%21room%3Abench.test';

export const DAY_MIX: readonly Kind[] = [
  {
    name: 'send, small',
    weight: 40,
    method: 'PUT',
    path: `${FEDERATION}/send/1`,
    sends: 1_200,
    answers: 60,
    takes: 12,
  },
  {
    name: 'send, some events',
    weight: 14,
    method: 'PUT',
    path: `${FEDERATION}/send/2`,
    sends: 8_000,
    answers: 300,
    takes: 40,
  },
  {
    name: 'send, many events',
    weight: 2,
    method: 'PUT',
    path: `${FEDERATION}/send/3`,
    sends: 60_000,
    answers: 3_000,
    takes: 250,
  },
  { name: 'keys', weight: 9, method: 'GET', path: '/_matrix/key/v2/server', sends: 0, answers: 500, takes: 3 },
  {
    name: 'well-known',
    weight: 8,
    method: 'GET',
    path: '/.well-known/matrix/server',
    sends: 0,
    answers: 0,
    takes: 0,
    own: true,
  },
  { name: 'version', weight: 3, method: 'GET', path: `${FEDERATION}/version`, sends: 0, answers: 60, takes: 2 },
  {
    name: 'profile',
    weight: 8,
    method: 'GET',
    path: `${FEDERATION}/query/profile?user_id=%40a%3Abench.test`,
    sends: 0,
    answers: 150,
    takes: 6,
  },
  {
    name: 'devices',
    weight: 5,
    method: 'GET',
    path: `${FEDERATION}/user/devices/%40a%3Abench.test`,
    sends: 0,
    answers: 2_500,
    takes: 12,
  },
  { name: 'event', weight: 4, method: 'GET', path: `${FEDERATION}/event/%24event`, sends: 0, answers: 1_500, takes: 8 },
  {
    name: 'state ids',
    weight: 3,
    method: 'GET',
    path: `${FEDERATION}/state_ids/${ROOM}?event_id=%24e`,
    sends: 0,
    answers: 20_000,
    takes: 60,
  },
  {
    name: 'state',
    weight: 1,
    method: 'GET',
    path: `${FEDERATION}/state/${ROOM}?event_id=%24e`,
    sends: 0,
    answers: 400_000,
    takes: 400,
  },
  {
    name: 'backfill',
    weight: 2,
    method: 'GET',
    path: `${FEDERATION}/backfill/${ROOM}?limit=100&v=%24e`,
    sends: 0,
    answers: 120_000,
    takes: 150,
  },
  {
    name: 'missing events',
    weight: 1,
    method: 'POST',
    path: `${FEDERATION}/get_missing_events/${ROOM}`,
    sends: 500,
    answers: 15_000,
    takes: 40,
  },
];

/** Share of requests that come on a connection of their own, which costs a handshake. */
export const NEW_CONNECTIONS = 0.2;
/** Other servers; each has one connection for the requests that do not. */
export const ORIGINS = 60;
/** Requests a second. */
export const RATE = 400;

/** One request of the mix: what is asked, when, by whom. */
export interface Event {
  readonly kind: Kind;
  /** Milliseconds after the begin. */
  readonly at: number;
  /** From 0. */
  readonly origin: number;
  readonly newConnection: boolean;
  /** Milliseconds that the homeserver takes. */
  readonly takes: number;
}

/** The requests of so many seconds, at random times; the same ones for the same seed. */
export function drawEvents(seconds: number, seed: number): Event[] {
  const random = createRandom(seed);
  const total = DAY_MIX.reduce((sum, kind) => sum + kind.weight, 0);
  const events: Event[] = [];
  for (let at = 0; at < seconds * 1000; at += (-Math.log(1 - random()) * 1000) / RATE) {
    const kind = drawKind(random() * total);
    const takes = Math.round(kind.takes * (0.5 + 2.5 * random() ** 3));
    events.push({ kind, at, origin: Math.floor(random() * ORIGINS), newConnection: random() < NEW_CONNECTIONS, takes });
  }
  return events;
}

/** The kind whose part of the weights, laid end to end, this place lies in. */
function drawKind(place: number): Kind {
  let end = 0;
  for (const kind of DAY_MIX) {
    end += kind.weight;
    if (place < end) return kind;
  }
  return DAY_MIX[0]!;
}

/** mulberry32: numbers from 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
