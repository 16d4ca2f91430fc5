import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { createServer, request as requestHttps } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '../../src/matrix/json.ts';
import { type Handler, standIn } from '../federation-tester/stand-in.ts';
import { makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { startDnsServer, type TestDnsServer } from './dns-server.ts';
import { startTestSidecar, type TestSidecar } from './sidecar.ts';

/** A Matrix server to be tested, on 127.0.0.1, known by name and port. */
export interface TesterTarget {
  readonly serverName: string;
  close(): Promise<void>;
}

export interface TargetOptions {
  /** Comes before the homeserver. */
  readonly front?: (...args: [...Parameters<Handler>, pass: (target?: string) => void]) => void;
  /** Valid from and until, days from now; 60 more if it is not given. */
  readonly days?: number;
  /** Instead of a certificate by the authority that all trust. */
  readonly shown?: { readonly cert: string; readonly key: string };
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** A sidecar with a federation tester, a DNS server that knows `*.test`, an authority that both trust, and targets. */
export interface TesterGround {
  readonly sidecar: TestSidecar;
  readonly dns: TestDnsServer;
  /** The authority's certificate, PEM. */
  readonly caFile: string;
  /** Names under which the DNS server has no address. */
  readonly unknown: Set<string>;
  /** Names for which the DNS server is not there. */
  readonly refused: Set<string>;
  /** A homeserver that checks signatures with the keys that it fetches from the sidecar. */
  startTarget(name: string, options?: TargetOptions): Promise<TesterTarget>;
  /** Asks the admin listener. */
  admin(path: string, options?: { readonly method?: string; readonly headers?: object }): Promise<PlainAnswer>;
  /** The page on this server, when the test is over. */
  page(serverName: string): Promise<PlainAnswer>;
  close(): Promise<void>;
}

const DAY = 86_400_000;

/** `lines` go into the configuration; the sidecar's own server is a.test, delegated to m.a.test:443. */
export async function openTesterGround(lines = ''): Promise<TesterGround> {
  const folder = await mkdtemp(join(tmpdir(), 'tester-'));
  const root = makeCertificate({ commonName: 'Private Root', ca: true });
  const caFile = join(folder, 'root.pem');
  await writeFile(caFile, root.certPem);
  const unknown = new Set<string>();
  const refused = new Set<string>();
  const dns = await startDnsServer((name, type) => {
    if (refused.has(name)) return 'REFUSED';
    return type === 'A' && !unknown.has(name) ? [['A', '127.0.0.1']] : [];
  });
  const sidecar = await startTestSidecar(`servers:
  - { server_name: a.test, homeserver: "http://127.0.0.1:1", delegate_to: "m.a.test:443" }
acme: { resolvers: ["${dns.address}"] }
limits: { hold: 0s }
${lines.includes('federation_tester') ? lines.replace('CA_FILE', caFile) : `federation_tester: { ca_file: ${caFile} }\n${lines}`}
`);
  const targets: TesterTarget[] = [];

  async function startTarget(name: string, { front, days = 60, shown }: TargetOptions = {}): Promise<TesterTarget> {
    const now = Date.now();
    const leaf = makeEcCertificate([name], root, 'P-256', { notBefore: now - 30 * DAY, notAfter: now + days * DAY });
    const server = createServer(shown ?? { cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
      const serve = async (): Promise<void> => {
        const signed = request.headers.authorization !== undefined;
        const keys = signed ? await fetchIdentityKeys(sidecar, 'm.a.test:00443') : undefined;
        await standIn({ serverName: `${name}:${port}`, fetchKeys: () => keys })(request, response);
      };
      const pass = (target = request.url ?? ''): void => {
        request.url = target;
        // It reads the body, which may end early.
        serve().catch(() => {});
      };
      if (front === undefined) pass();
      else front(request, response, pass);
    });
    const open = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.on('error', () => {}).once('close', () => open.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const target = { serverName: `${name}:${port}`, close: () => closeServer(server, open) };
    targets.push(target);
    return target;
  }

  const admin: TesterGround['admin'] = (path, { method = 'GET', headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: sidecar.admin, path, method, headers: { ...headers }, agent: false };
      const sent = requestHttp(options, (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      });
      sent.once('error', reject).end();
    });

  return {
    sidecar,
    dns,
    caFile,
    unknown,
    refused,
    startTarget,
    admin,
    async page(serverName) {
      const path = `/federationtester?server_name=${encodeURIComponent(serverName)}`;
      let page = await admin(path);
      while (page.body.includes('is being tested')) page = await admin(path);
      return page;
    },
    async close() {
      await sidecar.close();
      for (const target of targets) await target.close();
      await dns.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As a homeserver does it, but that it finds `m.a.test` at the sidecar's port. */
export function fetchIdentityKeys(sidecar: TestSidecar, host: string): Promise<JsonObject | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: sidecar.https,
      servername: 'm.a.test',
      ca: sidecar.ca,
      path: '/_matrix/key/v2/server',
      headers: { Host: host },
      agent: false,
    };
    const sent = requestHttps(options, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      answer.once('end', () => {
        const json: unknown = JSON.parse(body);
        resolve(answer.statusCode === 200 && isJsonObject(json) ? json : undefined);
      });
    });
    sent.once('error', reject).end();
  });
}

async function closeServer(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  for (const socket of open) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}
