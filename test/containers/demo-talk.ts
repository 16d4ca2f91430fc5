import { setTimeout as sleep } from 'node:timers/promises';
import type { MatrixUser } from '../peers/matrix-user.ts';

/** People who say something again and again in one room. */
export interface Talk {
  /** Stops it, once what is under way is answered; what was said, and which of it was answered with an error. */
  end(): Promise<{ readonly texts: readonly string[]; readonly failures: readonly string[] }>;
}

/** Milliseconds between an answer and the next message of the same person. */
const PAUSE = 250;
/** How often a room is read before what is not there counts as missing, and the milliseconds between. */
const [READS, BETWEEN_READS] = [60, 500];

/** Each of them speaks on their own, and waits for the answer before they go on. */
export function startTalk(people: readonly MatrixUser[], room: string): Talk {
  const texts: string[] = [];
  const failures: string[] = [];
  let ended = false;
  const speak = async (person: MatrixUser): Promise<void> => {
    for (let count = 0; !ended; count += 1) {
      const text = `${count} of ${person.id}`;
      texts.push(text);
      await person.say(room, text).catch((error: Error) => failures.push(`${text}: ${error.message}`));
      await sleep(PAUSE);
    }
  };
  const speaking = Promise.all(people.map(speak));
  return {
    async end() {
      ended = true;
      await speaking;
      return { texts, failures };
    },
  };
}

/** Says it until it is taken, for half a minute at most; the event's id. */
export async function sayAgainAndAgain(person: MatrixUser, room: string, text: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await person.say(room, text);
    } catch (error) {
      if (attempt === 30) throw error;
      await sleep(1_000);
    }
  }
}

/** Which of these texts the room on the reader's own server has not, half a minute later, or more than once. */
export async function countMessages(
  reader: MatrixUser,
  room: string,
  texts: readonly string[],
): Promise<{ readonly missing: string[]; readonly doubled: string[] }> {
  for (let read = 1; ; read += 1) {
    const counts = await readRoom(reader, room);
    const missing = texts.filter((text) => !counts.has(text));
    const doubled = texts.filter((text) => (counts.get(text) ?? 0) > 1);
    if (missing.length === 0 || read === READS) return { missing, doubled };
    await sleep(BETWEEN_READS);
  }
}

/** How often each text stands in the room's timeline. */
async function readRoom(reader: MatrixUser, room: string): Promise<Map<string, number>> {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=1000`;
  const { chunk } = (await reader.call('GET', path)) as { chunk: readonly { content: { body?: string } }[] };
  const counts = new Map<string, number>();
  for (const { content } of chunk) {
    if (content.body !== undefined) counts.set(content.body, (counts.get(content.body) ?? 0) + 1);
  }
  return counts;
}
