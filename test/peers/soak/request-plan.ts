import { createSeededRandom, type SeededRandom } from '../../harness/seeded-random.ts';

/** What the homeserver does to a request; on its first arrival only where that says so, else on each. */
export type Fate =
  | 'fine'
  | 'says-404'
  | 'says-500'
  | 'says-503'
  /** An answer, and behind it another one that nobody asked for. */
  | 'extra-answer'
  | 'dies-once'
  | 'dies-always'
  /** An answer, and in the same moment a reset, which may overtake it; on the first arrival. */
  | 'reset-after-once'
  /** Half a header, a pause, the end; on the first arrival. */
  | 'half-head-once'
  /** Half a header, and nothing more. */
  | 'half-head-hangs'
  | 'half-body'
  /** Half a body, and nothing more. */
  | 'half-body-hangs'
  | 'garbage'
  /** 413 before the body is read; all of it is read later. */
  | 'early-413'
  /** 413 before the body is read, and soon the connection is closed on it. */
  | 'early-413-closes';

/** Is a request sent again by the sidecar after a connection that died? As src/matrix/endpoint-table.ts has it, told anew. */
type Repeat = 'once' | 'often';

interface Kind {
  readonly name: string;
  readonly weight: number;
  readonly method: string;
  readonly path: (id: string) => string;
  readonly repeat: Repeat;
  readonly on: 'https' | 'federation';
  /** Bytes of the request's body, at most. */
  readonly body: number;
  /** Bytes of the answer's body, at most. */
  readonly answer: number;
  /** Milliseconds until the answer, at most. */
  readonly wait: number;
}

const V3 = '/_matrix/client/v3';
const FEDERATION = '/_matrix/federation';

const kind = (
  name: string,
  weight: number,
  request: readonly [method: string, path: (id: string) => string],
  repeat: Repeat,
  more: Partial<Kind> = {},
): Kind => ({
  name,
  weight,
  method: request[0],
  path: request[1],
  repeat,
  on: 'https',
  body: 0,
  answer: 3_000,
  wait: 40,
  ...more,
});

const LARGE = 1_200_000;

const KINDS: readonly Kind[] = [
  kind('long poll', 14, ['GET', () => `${V3}/sync?timeout=3000`], 'often', { wait: 3_000 }),
  kind('read', 22, ['GET', (id) => `${V3}/rooms/!r/state/${id}`], 'often'),
  kind('head', 3, ['HEAD', (id) => `${V3}/rooms/!r/state/${id}`], 'often'),
  kind('download', 5, ['GET', (id) => `/_matrix/client/v1/media/download/a.test/${id}`], 'often', { answer: LARGE }),
  kind('message', 14, ['PUT', (id) => `${V3}/rooms/!r/send/m.room.message/${id}`], 'often', { body: 4_000 }),
  kind('receipt', 5, ['POST', (id) => `${V3}/rooms/!r/receipt/m.read/${id}`], 'often', { body: 2 }),
  kind('key question', 4, ['POST', () => `${V3}/keys/query`], 'often', { body: 4_000 }),
  kind('new room', 7, ['POST', () => `${V3}/createRoom`], 'once', { body: 4_000 }),
  kind('alias', 2, ['PUT', (id) => `${V3}/directory/room/${id}`], 'once', { body: 300 }),
  kind('delete', 3, ['DELETE', (id) => `${V3}/devices/${id}`], 'once', { body: 100 }),
  kind('upload', 5, ['POST', () => '/_matrix/media/v3/upload'], 'once', { body: 600_000, answer: 200 }),
  kind('transaction', 9, ['PUT', (id) => `${FEDERATION}/v1/send/${id}`], 'often', { body: 30_000, on: 'federation' }),
  kind('event', 4, ['GET', (id) => `${FEDERATION}/v1/event/${id}`], 'often', { on: 'federation' }),
  kind('invite', 2, ['PUT', (id) => `${FEDERATION}/v2/invite/!r/${id}`], 'often', { body: 3_000, on: 'federation' }),
  kind('socket', 1.5, ['GET', () => '/_matrix/client/unstable/stream'], 'once', { answer: 400 }),
  kind('notary', 0.5, ['POST', () => '/_matrix/key/v2/query'], 'often', { body: 300, on: 'federation' }),
];

/** One request: what the client sends, what it does then, and what the homeserver does to it. */
export interface RequestPlan {
  readonly id: string;
  readonly kind: string;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly on: 'https' | 'federation';
  readonly version: '1.1' | '2';
  readonly repeat: Repeat;
  /** Bytes. */
  readonly body: number;
  /** Sent without a length. */
  readonly unknownLength: boolean;
  /** Sent in pieces, with pauses. */
  readonly slowly: boolean;
  /** Bytes. */
  readonly answer: number;
  /** How the homeserver ends the answer's body. */
  readonly framing: 'length' | 'chunked' | 'close';
  readonly trailers: boolean;
  /** 103 before the answer. */
  readonly hint: boolean;
  /** Milliseconds. */
  readonly wait: number;
  readonly fate: Fate;
  /** Milliseconds after which the client leaves, if it is still there. */
  readonly leaves: number | undefined;
  readonly readsSlowly: boolean;
  /** Milliseconds that it may wait for a homeserver that is away (src/matrix/endpoint-table.ts). */
  readonly patience: number;
}

const FATES: readonly (readonly [Fate, number])[] = [
  ['fine', 800],
  ['says-404', 20],
  ['says-500', 15],
  ['says-503', 15],
  ['extra-answer', 12],
  ['dies-once', 50],
  ['dies-always', 0.4],
  ['half-head-once', 20],
  ['reset-after-once', 12],
  ['half-head-hangs', 8],
  ['half-body', 35],
  ['half-body-hangs', 8],
  ['garbage', 4],
];
const UPLOAD_FATES: readonly (readonly [Fate, number])[] = [...FATES, ['early-413', 130], ['early-413-closes', 60]];
const SOCKET_FATES: readonly (readonly [Fate, number])[] = [
  ['fine', 80],
  ['says-404', 10],
  ['dies-always', 5],
  ['half-body', 5],
];
/** Without an answer's body there is no half of it. */
const BODILESS = new Set<Fate>(['half-body', 'half-body-hangs']);

/** The plan of the request of this number: the same on both sides, from the seed and the number alone. */
export function planRequest(seed: number, turn: number): RequestPlan {
  const dice = createSeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(turn + 1, 0x85ebca6b));
  const chosen = choose(
    dice,
    KINDS.map((one) => [one, one.weight] as const),
  );
  const { name, method, repeat, on } = chosen;
  const id = `${name === 'socket' ? 'w' : 's'}${turn}`;
  const fate = chooseFate(dice, chosen);
  const version = name !== 'socket' && dice.chance(0.5) ? '2' : '1.1';
  const path = chosen.path(id);
  const hangs = fate === 'half-head-hangs' || fate === 'half-body-hangs';
  // A notary's question has a deadline of a minute: some wait for it.
  const leaves = hangs && name !== 'notary' ? dice.between(1_000, 4_000) : undefined;
  const framing = dice.fraction();
  return {
    id,
    kind: name,
    method,
    target: `${path}${path.includes('?') ? '&' : '?'}id=${id}`,
    authority: dice.chance(0.3) ? 'b.test' : 'a.test',
    on,
    version,
    repeat,
    body: chosen.body === 0 ? 0 : Math.max(1, Math.round(dice.fraction() * chosen.body)),
    unknownLength: name === 'upload' && dice.chance(0.5),
    slowly: name === 'upload' && dice.chance(0.3),
    answer: method === 'HEAD' ? 0 : Math.max(40, Math.round(dice.fraction() * chosen.answer)),
    framing: framing < 0.6 ? 'length' : framing < 0.95 ? 'chunked' : 'close',
    trailers: dice.chance(0.3),
    hint: dice.chance(0.05),
    wait: dice.chance(0.05) ? dice.between(300, 2_000) : dice.fraction() * chosen.wait,
    fate,
    leaves: leaves ?? (name !== 'socket' && dice.chance(0.04) ? dice.between(1, 600) : undefined),
    readsSlowly: name === 'download' && dice.chance(0.4),
    patience: name === 'socket' ? 0 : name === 'notary' ? 8_000 : 50_000,
  };
}

function chooseFate(dice: SeededRandom, { name, method }: Kind): Fate {
  const fate = choose(dice, name === 'socket' ? SOCKET_FATES : name === 'upload' ? UPLOAD_FATES : FATES);
  return method === 'HEAD' && BODILESS.has(fate) ? 'fine' : fate;
}

function choose<T>(dice: SeededRandom, among: readonly (readonly [T, number])[]): T {
  let left = dice.fraction() * among.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [one, weight] of among) {
    left -= weight;
    if (left < 0) return one;
  }
  return among[0]![0];
}

/** The number in an id. */
export function turnOf(id: string): number {
  return Number(id.slice(1));
}

/** The bytes of a request's body; no two requests have the same. */
export function requestBody({ id, body }: RequestPlan): Buffer {
  return body === 0 ? Buffer.alloc(0) : Buffer.alloc(body, `<${id}>`);
}

/** The bytes of its answer. */
export function answerBody({ id, answer }: Pick<RequestPlan, 'id' | 'answer'>): Buffer {
  return answer === 0 ? Buffer.alloc(0) : Buffer.alloc(answer, `{"to":"${id}"}`);
}
