import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { constants } from 'node:http2';
import { Agent, request } from 'node:https';
import type { Readable, Writable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { openHttp2, type Reachable } from '../../harness/client.ts';
import { keepOutcome, type Outcome, type OutcomeKeeper } from './outcome.ts';
import { answerBody, type RequestPlan, requestBody } from './request-plan.ts';

/** Milliseconds that nothing takes: the longest deadline that a plan meets, and a hold before it. */
const TOO_LONG = 125_000;
/** Milliseconds until a shared connection is given up for a new one. */
const SESSION_AGE = 15_000;
/** Shared connections of each listener, and one for those who reset their streams. */
const SESSIONS = 8;
/** Requests under way on one of them at most, below what the sidecar takes at once: those who wait for a place would be lost with it. */
const STREAMS = 90;

/** Clients and servers that send what is planned. */
export interface SoakClients {
  /** Resolves with how it ended; never rejects. */
  send(plan: RequestPlan): Promise<Outcome>;
  close(): void;
}

interface Shared {
  readonly session: ClientHttp2Session;
  readonly openedAt: number;
  streams: number;
  /** It gets no more requests, and is closed behind its last one. */
  retired: boolean;
}

/** `again` is told of an answer to a request that had ended already. */
export function createSoakClients(sidecar: Reachable, again: (id: string, what: string) => void): SoakClients {
  // Given up before the sidecar does it at 75 s, which might be just when a request goes out.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, scheduling: 'fifo', timeout: 20_000 });
  const shared = new Map<string, Shared>();

  /** A connection with room for one more; an old or a full one is left to finish what it has. */
  function sessionFor({ on, leaves, id }: RequestPlan): Shared {
    const slot = `${on} ${leaves === undefined ? Number(id.slice(1)) % SESSIONS : 'leavers'}`;
    const old = shared.get(slot);
    const young = old !== undefined && performance.now() - old.openedAt < SESSION_AGE;
    if (young && !old.session.closed && old.streams < STREAMS) return old;
    if (old !== undefined) retire(old);
    const session = openHttp2(sidecar, on, { maxSessionMemory: 200 });
    session.setMaxListeners(0);
    const one = { session, openedAt: performance.now(), streams: 0, retired: false };
    shared.set(slot, one);
    return one;
  }

  return {
    send: (plan) =>
      new Promise((resolve) => {
        let leave = (): void => {};
        const timers: NodeJS.Timeout[] = [];
        const keeper = keepOutcome(
          () => answerBody(plan),
          (outcome) => {
            for (const timer of timers) clearTimeout(timer);
            resolve(outcome);
          },
          (what) => again(plan.id, what),
        );
        if (plan.kind === 'socket') leave = sendSocket(sidecar, plan, keeper);
        else if (plan.version === '2') leave = sendHttp2(sessionFor(plan), plan, keeper);
        else leave = sendHttp1(sidecar, agent, plan, keeper);
        const after = (ms: number, end: 'left' | 'hung'): void => {
          timers.push(
            setTimeout(() => {
              keeper.end(end);
              leave();
            }, ms),
          );
        };
        after(TOO_LONG, 'hung');
        if (plan.leaves !== undefined) after(plan.leaves, 'left');
      }),
    close() {
      agent.destroy();
      for (const one of shared.values()) retire(one);
    },
  };
}

/** Not closed at once: Node refuses what waits for a connection that is not there yet. */
function retire(shared: Shared): void {
  shared.retired = true;
  if (shared.streams === 0) shared.session.close();
}

function sendHttp1(sidecar: Reachable, agent: Agent, plan: RequestPlan, keeper: OutcomeKeeper): () => void {
  const framing = plan.unknownLength ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': plan.body };
  const sent = request({
    host: '127.0.0.1',
    port: sidecar[plan.on],
    servername: 'localhost',
    ca: sidecar.ca,
    agent,
    method: plan.method,
    path: plan.target,
    headers: { Host: plan.authority, 'X-Soak-Id': plan.id, TE: 'trailers', ...(plan.body === 0 ? {} : framing) },
  });
  sent.on('response', (response) => {
    keeper.head(response.statusCode ?? 0, (name) => asText(response.headers[name]));
    read(response, plan, keeper);
    response.on('error', () => {});
    response.once('close', () => {
      const trailer = response.trailers['x-soak-trailer'];
      if (trailer !== undefined) keeper.trailer(trailer);
      keeper.end(response.complete ? 'whole' : 'cut');
    });
  });
  sent.on('error', (error: NodeJS.ErrnoException) => {
    // An answer that has begun says itself how it ends.
    if (sent.res === undefined || sent.res === null) keeper.end('failed', error.code ?? error.message);
  });
  sendBody(sent, plan);
  return () => sent.destroy();
}

declare module 'node:http' {
  interface ClientRequest {
    /** Set once there is an answer. */
    res?: IncomingMessage | null;
  }
}

function sendHttp2(shared: Shared, plan: RequestPlan, keeper: OutcomeKeeper): () => void {
  // Who leaves has said how much would come: Node ends the body of a stream that it cancels (END_STREAM, then RST_STREAM),
  // so that without a length half a body is a whole one to everybody who reads it.
  const open = plan.body === 0 || (plan.unknownLength && plan.leaves === undefined);
  const length = open ? {} : { 'content-length': String(plan.body) };
  shared.streams++;
  const stream = shared.session.request(
    {
      ':method': plan.method,
      ':path': plan.target,
      ':authority': plan.authority,
      'x-soak-id': plan.id,
      ...length,
    },
    { endStream: plan.body === 0 },
  );
  let declared: number | undefined;
  let bytes = 0;
  let failure = '';
  stream.on('response', (fields) => {
    const declaredText = asText(fields['content-length']);
    declared = declaredText === undefined || plan.method === 'HEAD' ? undefined : Number(declaredText);
    keeper.head(Number(fields[':status']), (name) => asText(fields[name]));
  });
  stream.on('trailers', (fields: IncomingHttpHeaders) => {
    const trailer = asText(fields['x-soak-trailer']);
    if (trailer !== undefined) keeper.trailer(trailer);
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  read(stream, plan, keeper);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failure = `${error.code} ${error.message}`;
  });
  let answered = false;
  stream.once('response', () => {
    answered = true;
  });
  stream.once('close', () => {
    shared.streams--;
    if (shared.retired) retire(shared);
    if (!answered) return keeper.end('failed', failure || `code ${stream.rstCode}`);
    const whole = stream.rstCode === constants.NGHTTP2_NO_ERROR && (declared === undefined || declared === bytes);
    keeper.end(whole ? 'whole' : 'cut', failure);
  });
  if (plan.body > 0) sendBody(stream, plan);
  return () => stream.close(constants.NGHTTP2_CANCEL);
}

/** A WebSocket as far as the edge is concerned: an upgrade, then bytes both ways until the other side has enough. */
function sendSocket(sidecar: Reachable, plan: RequestPlan, keeper: OutcomeKeeper): () => void {
  const socket = connectTls({
    host: '127.0.0.1',
    port: sidecar.https,
    servername: 'localhost',
    ca: sidecar.ca,
    ALPNProtocols: ['http/1.1'],
  });
  let seen = '';
  let upgraded = false;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (seen === '') keeper.end('failed', error.code ?? error.message);
  });
  socket.write(
    `GET ${plan.target} HTTP/1.1\r\nHost: ${plan.authority}\r\nX-Soak-Id: ${plan.id}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  const bytes = Buffer.alloc(plan.answer, `{"to":"${plan.id}"}`);
  socket.on('data', (chunk: Buffer) => {
    if (upgraded) return keeper.data(chunk);
    seen += chunk.toString('latin1');
    const end = seen.indexOf('\r\n\r\n');
    if (end === -1) return;
    const status = Number(seen.slice(9, 12));
    keeper.head(status, (name) => new RegExp(`\r\n${name}: *(\\S+)`, 'i').exec(seen.slice(0, end))?.[1]);
    upgraded = true;
    if (seen.length > end + 4) keeper.data(Buffer.from(seen.slice(end + 4), 'latin1'));
    if (status !== 101) return;
    socket.write(bytes.subarray(0, bytes.length / 3));
    setTimeout(() => socket.writable && socket.write(bytes.subarray(bytes.length / 3)), 50);
  });
  socket.once('close', () => keeper.end(upgraded ? 'whole' : 'failed', 'closed'));
  return () => socket.destroy();
}

function read(stream: Readable, { readsSlowly }: RequestPlan, keeper: OutcomeKeeper): void {
  stream.on('data', (chunk: Buffer) => {
    keeper.data(chunk);
    if (!readsSlowly) return;
    stream.pause();
    setTimeout(() => stream.resume(), 20);
  });
}

function sendBody(stream: Writable, plan: RequestPlan): void {
  const body = requestBody(plan);
  if (!plan.slowly) return void stream.end(body.length === 0 ? undefined : body);
  const third = Math.ceil(body.length / 3);
  stream.write(body.subarray(0, third));
  // One behind the other: two timers may change places where the process is late.
  setTimeout(() => {
    if (!stream.writable) return;
    stream.write(body.subarray(third, 2 * third));
    setTimeout(() => stream.writable && stream.end(body.subarray(2 * third)), 150);
  }, 100);
}

function asText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
