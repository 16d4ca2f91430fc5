import { setTimeout as sleep } from 'node:timers/promises';
import type { BackOffSpell } from './back-off.ts';
import type { ChatLoad, Sent } from './chat-load.ts';
import type { Asked, ChatPerson } from './chat-person.ts';
import type { Absence } from './restart-federation.ts';

/** How often each id stands in a room's timeline, as one server tells it. */
export interface Timeline {
  readonly server: string;
  readonly room: string;
  readonly counts: ReadonlyMap<string, number>;
}

/** What was seen in one run of the script. */
export interface Facts {
  readonly edge: string;
  readonly versions: readonly [edge: string, synapse: string];
  readonly restarted: string;
  /** `Date.now()` of the first restart. */
  readonly begun: number;
  readonly script: readonly { readonly by: string; readonly moved: boolean }[];
  readonly absences: readonly (Absence & { readonly inBackOff: readonly string[] })[];
  readonly timelines: readonly Timeline[];
  readonly asked: readonly Asked[];
  readonly messages: readonly Sent[];
  readonly toDevice: readonly Sent[];
  readonly people: readonly Pick<ChatPerson, 'server' | 'user' | 'received'>[];
  readonly spells: readonly BackOffSpell[];
  /** Peers that had it in back-off some time after the last restart. */
  readonly afterwards: readonly string[];
}

export interface RequestCount {
  readonly sent: number;
  readonly failed: number;
  /** Of those, the ones that may not be sent twice: POST, but for those that only ask or move a marker. */
  readonly unrepeatable: number;
  /** Of those that failed, by `METHOD what status`. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly longest: number;
}

/** The account of one run. Times in milliseconds. */
export interface RestartAccount {
  readonly edge: string;
  readonly version: string;
  readonly synapse: string;
  readonly restarts: readonly {
    readonly by: string;
    readonly moved: boolean;
    readonly away: number;
    /** Peers that had it in back-off when it was back. */
    readonly inBackOff: number;
  }[];
  /** By clients of the restarted server. */
  readonly requestsThere: RequestCount;
  /** By clients of the others, of their own servers. */
  readonly requestsElsewhere: RequestCount;
  /** Answered by one server after it has asked another, which it gives ten seconds (profiles and keys). */
  readonly requestsAcross: RequestCount;
  readonly messages: {
    readonly sent: number;
    /** Summed over the servers: in the room there not at all, or more than once. */
    readonly missing: number;
    readonly doubled: number;
    /** Not with every client 30 s after it was sent, or after the homeserver was back: a homeserver works off a queue, and that takes time. */
    readonly late: number;
    /** From its first attempt, or the return of the homeserver when that was later, until the last client had it. */
    readonly longest: number;
    /** By `from > to`: the longest on the way from one server's clients to another's. */
    readonly longestBetween: Readonly<Record<string, number>>;
  };
  readonly toDevice: { readonly sent: number; readonly missing: number; readonly doubled: number };
  readonly backOff: {
    /** Times that a peer put it in back-off. */
    readonly spells: number;
    readonly longest: number;
    /** The longest interval that a peer wrote down. */
    readonly interval: number;
    /** Peers that had it in back-off 40 s after the last restart, at which its own people had only read. */
    readonly afterwards: number;
  };
}

export interface RestartResult extends RestartAccount {
  /** What the edge logged last. */
  readonly edgeLog: string;
}

const REPEATABLE: ReadonlySet<string> = new Set(['keys/query', 'receipt', 'read markers']);
/** Milliseconds. */
const LATE = 30_000;

/** Draws up the account. */
export function accountFor(facts: Facts): RestartAccount {
  const { edge, versions, restarted, absences, spells } = facts;
  const asked = facts.asked.filter(({ at, took }) => at + took >= facts.begun);
  const across = asked.filter((one) => one.across);
  const own = asked.filter((one) => !one.across);
  return {
    edge,
    version: versions[0],
    synapse: versions[1],
    restarts: absences.map(({ from, until, inBackOff }, index) => ({
      by: facts.script[index]!.by,
      moved: facts.script[index]!.moved,
      away: until - from,
      inBackOff: inBackOff.length,
    })),
    requestsThere: countRequests(own.filter(({ server }) => server === restarted)),
    requestsElsewhere: countRequests(own.filter(({ server }) => server !== restarted)),
    requestsAcross: countRequests(across),
    messages: countMessages(facts),
    toDevice: countToDevice(facts),
    backOff: {
      spells: spells.length,
      longest: Math.max(0, ...spells.map(({ from, until }) => until - from)),
      interval: Math.max(0, ...spells.map(({ interval }) => interval)),
      afterwards: facts.afterwards.length,
    },
  };
}

function countRequests(asked: readonly Asked[]): RequestCount {
  const failed = asked.filter(({ status }) => status !== 200);
  const failures: Record<string, number> = {};
  for (const { method, what, status } of failed) {
    const name = `${method} ${what} ${status}`;
    failures[name] = (failures[name] ?? 0) + 1;
  }
  return {
    sent: asked.length,
    failed: failed.length,
    unrepeatable: failed.filter(({ method, what }) => method === 'POST' && !REPEATABLE.has(what)).length,
    failures,
    longest: Math.max(0, ...asked.map(({ took }) => took)),
  };
}

function countMessages({ messages, timelines, people, absences }: Facts): RestartAccount['messages'] {
  const counts = messages.flatMap(({ id, to }) =>
    timelines.filter(({ room }) => room === to).map((timeline) => timeline.counts.get(id) ?? 0),
  );
  const waits: number[] = [];
  const longestBetween: Record<string, number> = {};
  for (const sent of messages) {
    const each = people.map((person) => {
      const arrived = person.received.messages.get(sent.id)?.[0] ?? Number.POSITIVE_INFINITY;
      // The absence in which it was under way, if any: what it cost beyond that is what counts.
      const back = absences.filter(({ from, until }) => from <= arrived && sent.at <= until).at(-1)?.until ?? 0;
      const wait = Math.max(0, arrived - Math.max(sent.at, back));
      const way = `${sent.server} > ${person.server}`;
      longestBetween[way] = Math.max(longestBetween[way] ?? 0, wait);
      return wait;
    });
    waits.push(Math.max(...each));
  }
  return {
    sent: messages.length,
    missing: counts.filter((count) => count === 0).length,
    doubled: counts.filter((count) => count > 1).length,
    late: waits.filter((wait) => wait > LATE).length,
    longest: Math.max(0, ...waits),
    longestBetween,
  };
}

function countToDevice({ toDevice, people }: Facts): RestartAccount['toDevice'] {
  const counts = toDevice.map(({ id, to }) => {
    const receiver = people.find(({ user }) => user.id === to);
    return receiver?.received.toDevice.get(id)?.length ?? 0;
  });
  return {
    sent: toDevice.length,
    missing: counts.filter((count) => count === 0).length,
    doubled: counts.filter((count) => count > 1).length,
  };
}

/**
 * Reads every room on every server from its end to its beginning. What is not there yet, or not with every client, is
 * waited for, up to `patience` milliseconds.
 */
export async function findInTimelines(load: ChatLoad, patience: number): Promise<Timeline[]> {
  const end = Date.now() + patience;
  const arrived = (): boolean =>
    load.messages.every(({ id }) => load.people.every(({ received }) => received.messages.has(id))) &&
    load.toDevice.every(({ id, to }) =>
      load.people.some(({ user, received }) => user.id === to && received.toDevice.has(id)),
    );
  while (!arrived() && Date.now() < end) await sleep(250);
  const readers = new Map(load.people.map((person) => [person.server, person]));
  return Promise.all(
    [...readers.values()].flatMap((reader) =>
      load.rooms.map(async (room) => ({ server: reader.server, room, counts: await readRoom(reader, room) })),
    ),
  );
}

async function readRoom({ user }: ChatPerson, room: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let from = '';
  for (;;) {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=500${from}`;
    const { chunk, end } = (await user.call('GET', path)) as {
      chunk: readonly { readonly type: string; readonly content: { readonly body?: string } }[];
      end?: string;
    };
    for (const { type, content } of chunk) {
      if (type === 'm.room.message') counts.set(content.body!, (counts.get(content.body!) ?? 0) + 1);
    }
    if (end === undefined) return counts;
    from = `&from=${encodeURIComponent(end)}`;
  }
}
