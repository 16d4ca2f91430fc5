import type { ClientHttp2Session } from 'node:http2';
import { Agent } from 'node:https';
import type { Socket } from 'node:net';
import { ask, askHttp2, openHttp2 } from './client.ts';
import { createSeededRandom } from './seeded-random.ts';
import { startTestSidecar, type TestSidecar } from './sidecar.ts';
import { readRequests, startRawUpstream } from './upstream.ts';

/** What a run came to. */
export interface RandomCloses {
  readonly sent: number;
  /** Answered by 200 and with what belongs to the request. */
  readonly answered: number;
  /** By `METHOD outcome`; empty where all went well. */
  readonly failures: Readonly<Record<string, number>>;
  /** Connections to the homeserver. */
  readonly connections: number;
  /** Requests that came on a connection that the homeserver had just closed. */
  readonly tooLate: number;
  /** POSTs that the homeserver got more than once. */
  readonly doubled: number;
  /** Seconds. */
  readonly took: number;
}

/** Requests under way at once: on connections of their own, and as streams of shared ones. */
const HTTP1 = 16;
const SESSIONS = 2;
const STREAMS = 8;
/** Milliseconds at most that the homeserver keeps an idle connection. */
const LONGEST = 12;

/**
 * Sends `count` requests, GET, PUT with a transaction id and POST in turn, half of them over HTTP/2, through a sidecar to a
 * homeserver that closes or resets each idle connection after a random short time, in the very moment of the next
 * request not seldom.
 */
export async function runRandomCloses(count: number, seed = 1): Promise<RandomCloses> {
  const random = createSeededRandom(seed);
  const posts = new Map<string, number>();
  let tooLate = 0;
  const upstream = await startRawUpstream((socket) => {
    serve(socket, () => random.fraction() ** 2 * LONGEST, {
      isReset: () => random.chance(0.5),
      onPost: (path) => void posts.set(path, (posts.get(path) ?? 0) + 1),
      onTooLate: () => void tooLate++,
    });
  });
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
log: { level: error }`);
  const agent = new Agent({ keepAlive: true, maxSockets: HTTP1 });
  const sessions = Array.from({ length: SESSIONS }, () => openHttp2(sidecar));
  const failures: Record<string, number> = {};
  let begun = 0;
  let answered = 0;
  const work = async (send: (turn: number) => Promise<string>): Promise<void> => {
    while (begun < count) {
      const turn = begun++;
      const outcome = await send(turn).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
      if (outcome === 'good') answered++;
      else failures[`${METHODS[turn % 3]} ${outcome}`] = (failures[`${METHODS[turn % 3]} ${outcome}`] ?? 0) + 1;
    }
  };
  const began = performance.now();
  await Promise.all([
    ...Array.from({ length: HTTP1 }, () => work((turn) => sendHttp1(sidecar, agent, turn))),
    ...sessions.flatMap((session) => Array.from({ length: STREAMS }, () => work((turn) => sendHttp2(session, turn)))),
  ]);
  const took = (performance.now() - began) / 1_000;
  agent.destroy();
  for (const session of sessions) session.destroy();
  const connections = upstream.accepted();
  await sidecar.close();
  await upstream.close();
  const doubled = [...posts.values()].filter((times) => times > 1).length;
  return { sent: begun, answered, failures, connections, tooLate, doubled, took };
}

interface Watch {
  isReset(): boolean;
  onPost(path: string): void;
  onTooLate(): void;
}

/** Answers each request with its target, and hangs up after a while without one. */
function serve(socket: Socket, howLong: () => number, watch: Watch): void {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const hangUp = (): void => {
    over = true;
    if (watch.isReset()) socket.resetAndDestroy();
    else socket.end();
  };
  readRequests(socket, (head) => {
    // A server that has closed a connection reads no more from it.
    if (over) return watch.onTooLate();
    clearTimeout(timer);
    const [method = '', path = ''] = head.split(' ', 2);
    if (method === 'POST') watch.onPost(path);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    timer = setTimeout(hangUp, howLong());
  });
  socket.once('close', () => clearTimeout(timer));
}

const METHODS = ['GET', 'PUT', 'POST'] as const;
const BODY = JSON.stringify({ msgtype: 'm.text', body: 'x'.repeat(200) });

function planRequest(turn: number): { method: string; path: string; body: string | undefined } {
  const method = METHODS[turn % 3]!;
  if (method === 'GET') return { method, path: `/_matrix/client/v3/sync?since=${turn}`, body: undefined };
  if (method === 'POST') return { method, path: `/_matrix/client/v3/createRoom?n=${turn}`, body: BODY };
  return { method, path: `/_matrix/client/v3/rooms/!a/send/m.room.message/${turn}`, body: BODY };
}

async function sendHttp1(sidecar: TestSidecar, agent: Agent, turn: number): Promise<string> {
  const { method, path, body } = planRequest(turn);
  const length = body === undefined ? {} : { 'Content-Length': body.length };
  const headers = { Host: 'a.test', ...length };
  const answer = await ask(sidecar, path, { method, agent, headers, ...(body === undefined ? {} : { body }) });
  return judge(answer.status, answer.body, path);
}

async function sendHttp2(session: ClientHttp2Session, turn: number): Promise<string> {
  const { method, path, body } = planRequest(turn);
  const length = body === undefined ? {} : { 'content-length': String(body.length) };
  const headers = { ':method': method, ':path': path, ':authority': 'a.test', ...length };
  const answer = await askHttp2(session, headers, body);
  return judge(answer.status, answer.body, path);
}

function judge(status: number, body: Buffer, path: string): string {
  if (status !== 200) return String(status);
  return body.toString() === path ? 'good' : 'the answer to another request';
}
