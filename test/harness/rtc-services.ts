import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'vitest';

/** A program of the test in place of lk-jwt-service or of LiveKit, which answers as those do (their routers, August 2026). */
export interface RtcDouble {
  readonly url: string;
  /** Method and target of what arrived, but for questions after its health. */
  readonly seen: string[];
  /** The Host of each. */
  readonly hosts: string[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

type Ending = Pick<TestContext, 'onTestFinished'>;
type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const JWT_CORS = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Accept, Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token',
};

/** lk-jwt-service: preflights with 200, 405 for other methods, 400 and a Matrix error for what is no request. */
export function startLkJwt(context: Ending): Promise<RtcDouble> {
  return startDouble(context, (request, response, body): void => {
    const path = request.url!.replace(/\?.*/, '');
    if (path === '/healthz') return void response.end();
    if (!['/sfu/get', '/get_token', '/delegate_delayed_leave'].includes(path))
      return void response.writeHead(404).end('404 page not found\n');
    const say = (status: number, value: object | ''): void => {
      response.writeHead(status, JWT_CORS).end(value === '' ? '' : JSON.stringify(value));
    };
    if (request.method === 'OPTIONS') return say(200, '');
    if (request.method !== 'POST') return say(405, '');
    const given = readJson(body);
    if (given === undefined) return say(400, { errcode: 'M_NOT_JSON', error: 'Error reading request' });
    if (!('room' in given)) return say(400, { errcode: 'M_BAD_JSON', error: 'Missing room' });
    say(200, { url: 'wss://sfu', jwt: 'a.b.c' });
  });
}

/** LiveKit: `OK` at the root, 401 for whoever has no token, and a WebSocket that sends back what it is sent. */
export function startLiveKit(context: Ending): Promise<RtcDouble> {
  return startDouble(
    context,
    (request, response): void => {
      const { pathname, searchParams } = new URL(request.url!, 'http://sfu');
      const origin = request.headers.origin;
      if (origin !== undefined) response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Vary', 'Origin');
      if (pathname.startsWith('/twirp/')) {
        const may = request.headers.authorization !== undefined;
        return void response.writeHead(may ? 200 : 401, { 'Content-Type': 'application/json' }).end('{}');
      }
      if (pathname.startsWith('/rtc')) {
        if (!pathname.endsWith('/validate')) return void response.writeHead(404).end();
        return void response.writeHead(searchParams.has('access_token') ? 200 : 401).end('success');
      }
      response.end('OK');
    },
    (request, socket) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://sfu');
      const status = !/^\/rtc(\/v1)?$/.test(pathname) ? '404 Not Found' : '401 Unauthorized';
      if (!searchParams.has('access_token') || status.startsWith('404'))
        return void socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.pipe(socket);
    },
  );
}

async function startDouble(
  { onTestFinished }: Ending,
  answer: Answer,
  upgrade?: (request: IncomingMessage, socket: Socket) => void,
): Promise<RtcDouble> {
  let port = 0;
  let close = async (): Promise<void> => {};
  const note = ({ method, url, headers }: IncomingMessage): void => {
    if (url === '/health') return;
    double.seen.push(`${method} ${url}`);
    double.hosts.push(headers.host ?? '');
  };
  async function start(): Promise<void> {
    const sockets = new Set<Socket>();
    const server = createServer(async (request, response) => {
      note(request);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      answer(request, response, Buffer.concat(chunks).toString());
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    if (upgrade !== undefined) {
      server.on('upgrade', (request, socket) => {
        note(request);
        upgrade(request, socket as Socket);
      });
    }
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
  }
  await start();
  const stop = async (): Promise<void> => {
    await close();
    close = async () => {};
  };
  const double: RtcDouble = { url: `http://127.0.0.1:${port}`, seen: [], hosts: [], stop, start };
  onTestFinished(stop);
  return double;
}

function readJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
