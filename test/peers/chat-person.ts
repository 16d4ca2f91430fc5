import type { ClientAnswer, HttpClient } from './https-client.ts';
import { type MatrixUser, registerUser } from './matrix-user.ts';
import type { RestartMember } from './restart-federation.ts';

/** One request of a client, and what became of it. */
export interface Asked {
  /** The server whose client asked. */
  readonly server: string;
  /** What for, in a word or two. */
  readonly what: string;
  readonly method: string;
  /** Its server had to ask another one first, within that one's time. */
  readonly across: boolean;
  /** `Date.now()` of its beginning. */
  readonly at: number;
  /** Milliseconds. */
  readonly took: number;
  /** HTTP's status, `partial` where the answer says that another server's part is missing, or the error's code. */
  readonly status: number | string;
}

/** What one person's client has received. */
export interface Received {
  /** By the id in its text: `Date.now()` of each time that it came. */
  readonly messages: Map<string, number[]>;
  readonly toDevice: Map<string, number[]>;
}

/** Somebody who chats: syncs by long poll and asks for this and that, every request recorded. */
export interface ChatPerson {
  readonly server: string;
  readonly user: MatrixUser;
  readonly device: string;
  readonly received: Received;
  /** One request, recorded; undefined where it was not answered by 200. */
  ask(what: string, method: string, path: string, body?: object): Promise<ClientAnswer | undefined>;
  /** As `ask`, of another server through this one; `partial` tells of an answer that lacks that server's part. */
  askAcross(what: string, method: string, path: string, body?: object): Promise<ClientAnswer | undefined>;
  /** Ends the long poll with its next answer. */
  leave(): Promise<void>;
}

const FILTER = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 1000 } } }));
/** Milliseconds of one long poll, as clients ask for it; and until they try again after a failure. */
const POLL = 30_000;
const TRY_AGAIN = 1_000;

interface SyncAnswer {
  readonly next_batch: string;
  readonly to_device?: { readonly events?: readonly { readonly content: { readonly id?: string } }[] };
  readonly rooms?: {
    readonly join?: Readonly<
      Record<string, { timeline: { events: readonly { type: string; content: { body?: string } }[] } }>
    >;
  };
}

/** Registers an account, and begins to sync when told to. */
export async function createChatPerson(
  member: RestartMember,
  name: string,
  http: HttpClient,
  asked: Asked[],
): Promise<ChatPerson & { sync(): void }> {
  const server = member.serverName;
  const user = await registerUser(member.clients, name, http);
  const { device_id: device } = await user.call('GET', '/_matrix/client/v3/account/whoami');
  const received: Received = { messages: new Map(), toDevice: new Map() };
  let leaving = false;
  let syncing: Promise<void> | undefined;

  async function record(
    across: boolean,
    what: string,
    method: string,
    path: string,
    body: object | undefined,
  ): Promise<ClientAnswer | undefined> {
    const at = Date.now();
    const outcome = await user.ask(method, path, body).catch((error: NodeJS.ErrnoException) => error);
    const status =
      outcome instanceof Error ? (outcome.code ?? outcome.message) : isPartial(outcome) ? 'partial' : outcome.status;
    asked.push({ server, what, method, across, at, took: Date.now() - at, status });
    return outcome instanceof Error || status !== 200 ? undefined : outcome;
  }

  async function syncOnAndOn(): Promise<void> {
    let since = '';
    while (!leaving) {
      const timeout = since === '' ? 0 : POLL;
      const path = `/_matrix/client/v3/sync?filter=${FILTER}&timeout=${timeout}${since}`;
      const answer = await record(false, 'sync', 'GET', path, undefined);
      if (answer === undefined) {
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
        continue;
      }
      const json = JSON.parse(answer.body.toString('utf8')) as SyncAnswer;
      since = `&since=${encodeURIComponent(json.next_batch)}`;
      take(json);
    }
  }

  function take(json: SyncAnswer): void {
    for (const { content } of json.to_device?.events ?? []) note(received.toDevice, content.id);
    for (const { timeline } of Object.values(json.rooms?.join ?? {})) {
      for (const event of timeline.events)
        if (event.type === 'm.room.message') note(received.messages, event.content.body);
    }
  }

  return {
    server,
    user,
    device: String(device),
    received,
    ask: (what, method, path, body) => record(false, what, method, path, body),
    askAcross: (what, method, path, body) => record(true, what, method, path, body),
    sync() {
      syncing = syncOnAndOn();
    },
    async leave() {
      leaving = true;
      await syncing;
    },
  };
}

function note(into: Map<string, number[]>, id: string | undefined): void {
  if (id === undefined) return;
  const times = into.get(id);
  if (times === undefined) into.set(id, [Date.now()]);
  else times.push(Date.now());
}

/** keys/query and keys/claim answer 200 and name the servers that did not answer. */
function isPartial(answer: ClientAnswer): boolean {
  if (answer.status !== 200 || !answer.body.includes('"failures"')) return false;
  const { failures } = JSON.parse(answer.body.toString('utf8')) as { failures?: object };
  return failures !== undefined && Object.keys(failures).length > 0;
}
