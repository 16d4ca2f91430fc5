import { setTimeout as sleep } from 'node:timers/promises';
import { askHttp1, type ClientAnswer, type Endpoint, type HttpClient } from './https-client.ts';

/** A person with an account, who speaks the client-server API through the sidecar. */
export interface MatrixUser {
  readonly id: string;
  readonly token: string;
  /** One request with the access token; JSON bodies only. */
  ask(method: string, path: string, body?: object): Promise<ClientAnswer>;
  /** The same, and the answer must be 200; returns its JSON. */
  call(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  /** Sends a text message and returns its event id. */
  say(room: string, text: string): Promise<string>;
  /** Waits until the room's timeline on this user's own server holds the event; returns its text. */
  waitForEvent(room: string, eventId: string): Promise<string>;
}

function parseJson(answer: ClientAnswer, what: string): Record<string, unknown> {
  const text = answer.body.toString('utf8');
  if (answer.status !== 200) throw new Error(`${what} answered ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Registers a new account at this endpoint, through its sidecar. */
export async function registerUser(endpoint: Endpoint, name: string, ask: HttpClient = askHttp1): Promise<MatrixUser> {
  const send = (method: string, path: string, body?: object, token?: string): Promise<ClientAnswer> =>
    ask(endpoint, {
      method,
      path,
      headers: {
        'Content-Type': 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    });
  const registration = { username: name, password: `of-${name}`, auth: { type: 'm.login.dummy' } };
  const answer = await send('POST', '/_matrix/client/v3/register', registration);
  const account = parseJson(answer, `registering ${name}`);
  const token = String(account['access_token']);
  const askAs = (method: string, path: string, body?: object): Promise<ClientAnswer> => send(method, path, body, token);
  const call = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> =>
    parseJson(await askAs(method, path, body), `${method} ${path}`);
  let transaction = 0;
  const inRoom = (room: string): string => `/_matrix/client/v3/rooms/${encodeURIComponent(room)}`;
  return {
    id: String(account['user_id']),
    token,
    ask: askAs,
    call,
    async say(room, text) {
      transaction += 1;
      const path = `${inRoom(room)}/send/m.room.message/t${transaction}`;
      return String((await call('PUT', path, { msgtype: 'm.text', body: text }))['event_id']);
    },
    async waitForEvent(room, eventId) {
      for (let attempt = 0; attempt < 150; attempt += 1) {
        const { chunk } = (await call('GET', `${inRoom(room)}/messages?dir=b&limit=50`)) as {
          chunk: { event_id: string; content: { body?: string } }[];
        };
        const event = chunk.find((candidate) => candidate.event_id === eventId);
        if (event !== undefined) return String(event.content.body);
        await sleep(100);
      }
      throw new Error(`${eventId} did not reach ${account['user_id']} within 15 s`);
    },
  };
}
