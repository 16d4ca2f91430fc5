import { setTimeout as sleep } from 'node:timers/promises';
import { type Asked, type ChatPerson, createChatPerson } from './chat-person.ts';
import { PROTOCOLS } from './https-client.ts';
import { type MatrixUser, registerUser } from './matrix-user.ts';
import type { RestartMember } from './restart-federation.ts';

/** Something that somebody sent once, under an id of its own. */
export interface Sent {
  readonly id: string;
  /** The server of the sender. */
  readonly server: string;
  /** The room; for a to-device message, who gets it. */
  readonly to: string;
  /** `Date.now()` of the first attempt. */
  readonly at: number;
  /** Of the answer 200; undefined while there was none. */
  accepted: number | undefined;
}

export interface ChatLoad {
  readonly people: readonly ChatPerson[];
  readonly rooms: readonly string[];
  /** Every request of every client so far that has been answered or has failed. */
  readonly asked: readonly Asked[];
  readonly messages: readonly Sent[];
  readonly toDevice: readonly Sent[];
  /**
   * From now on, those of this server only read, or write again; and nobody elsewhere looks up a profile, which servers
   * ask for even from one that is in back-off.
   */
  readOnly(server: string, only: boolean): void;
  /** Nobody sends any more; resolves when everything sent was accepted, or after `patience` milliseconds. */
  fallSilent(patience: number): Promise<void>;
  /** Ends the long polls too. */
  close(): Promise<void>;
}

/** Milliseconds between two messages of one person, and between two other things that a client does. */
const SAY = 3_000;
const DO = 1_000;
/** What is sent in vain is sent again under its transaction id, as clients do. */
const TRY_AGAIN = 1_000;

/**
 * Two people a server, one over HTTP/1.1 and one over HTTP/2, in two rooms that span all servers. Each says something at
 * a steady rate, whether or not what was said before has arrived, and does what clients do besides. Nobody shares a room
 * with the hermits: what is asked of them goes to their servers every time.
 */
export async function startChatLoad(members: readonly RestartMember[]): Promise<ChatLoad> {
  const asked: Asked[] = [];
  const people = await Promise.all(
    members.flatMap((member) =>
      PROTOCOLS.map(([, http], index) => createChatPerson(member, `person${index}`, http, asked)),
    ),
  );
  const hermits = await Promise.all(members.map((member) => registerUser(member.clients, 'hermit')));
  const rooms = await openRooms(people);
  const messages: Sent[] = [];
  const toDevice: Sent[] = [];
  const timers: NodeJS.Timeout[] = [];
  const under = new Set<Promise<void>>();
  const follow = (work: Promise<void>): void => {
    under.add(work);
    void work.finally(() => under.delete(work));
  };
  const readers = new Set<string>();
  let closing = false;

  async function deliver(person: ChatPerson, sent: Sent, what: string, path: string, body: object): Promise<void> {
    while (!closing) {
      const answer = await person.ask(what, 'PUT', path, body);
      if (answer !== undefined) {
        sent.accepted = Date.now();
        return;
      }
      await sleep(TRY_AGAIN);
    }
  }

  function say(person: ChatPerson, room: string): void {
    const { server } = person;
    const sent: Sent = { id: `m${messages.length}`, server, to: room, at: Date.now(), accepted: undefined };
    messages.push(sent);
    const path = `${inRoom(room)}/send/m.room.message/${sent.id}`;
    follow(deliver(person, sent, 'message', path, { msgtype: 'm.text', body: sent.id }));
  }

  function sendToDevice(person: ChatPerson, to: ChatPerson): Promise<void> {
    const { server } = person;
    const sent: Sent = { id: `d${toDevice.length}`, server, to: to.user.id, at: Date.now(), accepted: undefined };
    toDevice.push(sent);
    const path = `/_matrix/client/v3/sendToDevice/a.test/${sent.id}`;
    const body = { messages: { [to.user.id]: { [to.device]: { id: sent.id } } } };
    return deliver(person, sent, 'to-device message', path, body);
  }

  /** One of the things that clients do all the time, by turns. */
  function doSomething(person: ChatPerson, index: number, turn: number): void {
    const room = rooms[turn % rooms.length]!;
    const last = latest.get(room)!;
    const hermit = hermits[(Math.floor(index / 2) + 1 + (turn % 2)) % hermits.length]!;
    const user = encodeURIComponent(person.user.id);
    const profile = `/_matrix/client/v3/profile/${encodeURIComponent(hermit.id)}`;
    const things: readonly (() => Promise<unknown>)[] = [
      () => person.ask('typing', 'PUT', `${inRoom(room)}/typing/${user}`, { typing: true, timeout: 5_000 }),
      () => person.ask('receipt', 'POST', `${inRoom(room)}/receipt/m.read/${encodeURIComponent(last)}`, {}),
      () =>
        person.askAcross('keys/query', 'POST', '/_matrix/client/v3/keys/query', { device_keys: { [hermit.id]: [] } }),
      () => sendToDevice(person, people[(index + 2 + (turn % 3)) % people.length]!),
      () => person.ask('keys/upload', 'POST', '/_matrix/client/v3/keys/upload', {}),
      () => person.ask('messages', 'GET', `${inRoom(room)}/messages?dir=b&limit=10`),
      async () => readers.size > 0 || person.askAcross('profile', 'GET', profile),
      () => person.ask('read markers', 'POST', `${inRoom(room)}/read_markers`, { 'm.fully_read': last }),
      () => person.askAcross('keys/claim', 'POST', '/_matrix/client/v3/keys/claim', claimOf(hermit)),
    ];
    follow(things[(turn + index * 2) % things.length]!().then(() => undefined));
  }

  const latest = new Map(rooms.map((room) => [room, room]));
  for (const room of rooms) latest.set(room, await people[0]!.user.say(room, 'welcome'));
  for (const person of people) person.sync();
  for (const [index, person] of people.entries()) {
    let turn = 0;
    // Not all in the same moment.
    const stagger = (period: number): number => (period / people.length) * index;
    timers.push(
      setTimeout(() => {
        const unlessReading = (what: () => void) => () => readers.has(person.server) || what();
        timers.push(
          setInterval(
            unlessReading(() => say(person, rooms[index % rooms.length]!)),
            SAY,
          ),
        );
        timers.push(
          setInterval(
            unlessReading(() => doSomething(person, index, turn++)),
            DO,
          ),
        );
      }, stagger(SAY)),
    );
  }
  const fallSilent = async (patience: number): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    await Promise.race([Promise.all(under), sleep(patience)]);
  };
  return {
    people,
    rooms,
    asked,
    messages,
    toDevice,
    readOnly: (server, only) => void (only ? readers.add(server) : readers.delete(server)),
    fallSilent,
    async close() {
      closing = true;
      await fallSilent(0);
      await Promise.all(people.map((person) => person.leave()));
    },
  };
}

const inRoom = (room: string): string => `/_matrix/client/v3/rooms/${encodeURIComponent(room)}`;

const claimOf = (hermit: MatrixUser): object => ({ one_time_keys: { [hermit.id]: { NONE: 'signed_curve25519' } } });

/** Two rooms, made on the first two servers; everybody is in both. */
async function openRooms(people: readonly ChatPerson[]): Promise<string[]> {
  const rooms: string[] = [];
  for (const founder of [people[0]!, people[2]!]) {
    const answer = await founder.user.call('POST', '/_matrix/client/v3/createRoom', { preset: 'public_chat' });
    const room = String(answer['room_id']);
    rooms.push(room);
    for (const person of people) {
      if (person === founder) continue;
      const path = `/_matrix/client/v3/join/${encodeURIComponent(room)}?server_name=${founder.server}`;
      await person.user.call('POST', path, {});
    }
  }
  return rooms;
}
