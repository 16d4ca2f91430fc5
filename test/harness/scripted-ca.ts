import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createScriptedIssuer, type ScriptedIssuer } from './scripted-issuer.ts';
import { openJws, UnknownAccount } from './scripted-jws.ts';
import { createScriptedOrders, type ScriptedOrders } from './scripted-orders.ts';
import { type Answer, problem, type Rules } from './scripted-rules.ts';

/** What a client can ask of a CA. */
export type Step =
  | 'directory'
  | 'nonce'
  | 'new-account'
  | 'account'
  | 'new-order'
  | 'order'
  | 'authz'
  | 'challenge'
  | 'finalize'
  | 'cert'
  | 'renewal-info'
  | 'revoke';

/** What the CA does instead of what it should, once. */
export type Fault =
  /** Closes the connection without an answer, before or after the work was done. */
  | 'cut'
  | 'cut-after-work'
  /** Never answers. */
  | 'hang'
  /** Says a length and sends less. */
  | 'cut-in-the-middle'
  /** Says this instead of doing the work; the signature and the nonce are checked all the same. */
  | { readonly answer: Answer }
  /** Does the work and then changes what it says. */
  | { readonly rewrite: (answer: Answer) => Answer };

export interface Seen {
  readonly step: Step;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly payload: unknown;
  readonly nonce: string | undefined;
}

/** A real ACME server (RFC 8555, RFC 9773) on a port of its own, that misbehaves as it is told. */
export interface ScriptedCa {
  readonly directoryUrl: string;
  /** The root to trust for it. */
  readonly caPem: string;
  readonly port: number;
  /** May be changed at any time. */
  readonly rules: Rules;
  readonly orders: ScriptedOrders;
  /** Every request that was understood, in order. */
  readonly seen: readonly Seen[];
  count(step: Step): number;
  /** The next requests of this kind meet these faults, one each. */
  script(step: Step, ...faults: readonly Fault[]): void;
  /** Asked with every request that no scripted fault is for; those that come while the CA is down included. */
  chooseFaults(choose: (step: Step) => Fault | undefined): void;
  /** The next so many nonces are refused. */
  refuseNonces(count: number): void;
  close(): Promise<void>;
}

const STEPS: Readonly<Record<string, Step>> = {
  dir: 'directory',
  nonce: 'nonce',
  'new-account': 'new-account',
  account: 'account',
  'new-order': 'new-order',
  order: 'order',
  authz: 'authz',
  challenge: 'challenge',
  finalize: 'finalize',
  cert: 'cert',
  'renewal-info': 'renewal-info',
  revoke: 'revoke',
};

/** Several may share one `issuer`, whose three keys take half a second to make. */
export async function startScriptedCa(
  rules: Partial<Rules> = {},
  issuer: ScriptedIssuer = createScriptedIssuer(),
): Promise<ScriptedCa> {
  const faults = new Map<Step, Fault[]>();
  const nonces = new Set<string>();
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let nonceCount = 0;
  let refusals = 0;
  let orders: ScriptedOrders;
  let choose: (step: Step) => Fault | undefined = () => undefined;

  const newNonce = (): string => {
    nonceCount += 1;
    const nonce = `nonce-${nonceCount}`;
    nonces.add(nonce);
    return nonce;
  };

  /** Checks the signature and the nonce for real, then does the work. */
  function work(step: Step, request: IncomingMessage, body: string, instead: Answer | undefined): Answer {
    const path = request.url!;
    const note = (payload: unknown, nonce?: string): void => {
      const { method = '', headers } = request;
      seen.push({ step, method, path, headers, payload, nonce });
    };
    if (request.method !== 'POST') {
      note(undefined);
      if (instead !== undefined) return instead;
      if (step === 'nonce') return { status: request.method === 'HEAD' ? 200 : 204 };
      if (step === 'directory') return orders.directory();
      if (step === 'renewal-info') return orders.renewalInfo(path);
      return problem(405, 'malformed', 'only POST is allowed here');
    }
    if (request.headers['content-type'] !== 'application/jose+json') return problem(415, 'malformed', 'wrong type');
    let opened: ReturnType<typeof openJws>;
    try {
      opened = openJws(body, (kid) => orders.keyOf(kid));
    } catch (error) {
      if (error instanceof UnknownAccount) return problem(400, 'accountDoesNotExist', 'no such account');
      return problem(400, 'malformed', String(error));
    }
    const { header, payload } = opened;
    note(payload, header.nonce);
    if (header.url !== `${origin}${path}`) return problem(400, 'unauthorized', 'signed for another URL');
    if (!nonces.delete(header.nonce)) return problem(400, 'badNonce', 'unknown nonce');
    if (refusals > 0) {
      refusals -= 1;
      return problem(400, 'badNonce', 'refused on purpose');
    }
    return instead ?? orders.handle(step, path, header, payload);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const step = STEPS[request.url!.split('/')[1] ?? ''];
    if (step === undefined) return void response.writeHead(404).end();
    const fault = faults.get(step)?.shift() ?? choose(step);
    if (fault === 'cut' || orders.rules.down) return void request.socket.destroy();
    if (fault === 'hang') return;
    const instead = typeof fault === 'object' && 'answer' in fault ? fault.answer : undefined;
    let answer = work(step, request, Buffer.concat(chunks).toString('utf8'), instead);
    if (typeof fault === 'object' && 'rewrite' in fault) answer = fault.rewrite(answer);
    if (fault === 'cut-after-work') return void request.socket.destroy();
    const { status, headers = {}, body = '' } = answer;
    const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const nonce = step === 'directory' ? {} : { 'replay-nonce': newNonce() };
    const length = fault === 'cut-in-the-middle' ? { 'content-length': Buffer.byteLength(payload) + 10 } : {};
    const date = { date: new Date(orders.rules.now()).toUTCString() };
    response.writeHead(status, { ...date, ...nonce, ...length, ...headers });
    if (fault === 'cut-in-the-middle') return void response.write(payload, () => request.socket.destroy());
    response.end(payload);
  }

  const server = createServer({ cert: issuer.serverCertPem, key: issuer.serverKeyPem }, (request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.prependListener('connection', (socket: Socket) => void (orders.rules.down && socket.destroy()));
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `https://localhost:${port}`;
  orders = createScriptedOrders(origin, issuer, rules);

  return {
    directoryUrl: `${origin}/dir`,
    caPem: issuer.rootPem,
    port,
    rules: orders.rules,
    orders,
    seen,
    count: (step) => seen.filter((one) => one.step === step).length,
    chooseFaults(next) {
      choose = next;
    },
    script(step, ...more) {
      faults.set(step, [...(faults.get(step) ?? []), ...more]);
    },
    refuseNonces(count) {
      refusals += count;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
