import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createHttpsExchange } from '../../src/base/create-https-exchange.ts';
import { createDnsClient } from '../../src/base/dns.ts';
import type { HttpsExchange } from '../../src/base/https-exchange.ts';
import { realSystem } from '../../src/base/system.ts';
import { parseConnectTo } from '../../src/discovery/connect-to.ts';
import { createNames } from '../../src/discovery/names.ts';
import type { Facts } from '../../src/federation-tester/facts.ts';
import { gatherFacts, type TesterOptions } from '../../src/federation-tester/gather-facts.ts';
import { createIdentity, type Identity } from '../../src/federation-tester/identity.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import type { Policy, Verdict } from '../../src/federation-tester/verdict.ts';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { named } from '../discovery/world.ts';
import { type DnsAnswer, startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { type Made, makeCertificate, makeEcCertificate, type Wish } from '../tls/make-certificate.ts';
import { type Handler, sendJson, standIn } from './stand-in.ts';

/** Something that listens on one port, on some addresses. */
export interface Listener {
  readonly addresses: readonly string[];
  /** Leaf first; what the handshake shows. */
  readonly certificate?: ServedCertificate;
  readonly handle?: Handler;
  /** Instead of TLS and HTTP: whatever is done with the bare connection. */
  readonly raw?: (socket: Socket) => void;
}

export interface ServedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A deployment: what the DNS says, and who listens where. Changed at will before it is built. */
export interface Plan {
  asked: string;
  /** By `TYPE name`; anything else does not exist. */
  readonly zone: Record<string, DnsAnswer>;
  /** By `host:port` as it is meant; `*:port` for every other host. Nobody listens anywhere else. */
  readonly listeners: Record<string, Listener>;
  /** Whether homeservers can fetch the keys of the tester's identity. */
  identityReachable: boolean;
  options: Partial<TesterOptions>;
  policy: Policy;
}

export interface Tested {
  readonly facts: Facts;
  readonly verdict: Verdict;
}

/** One private world for many deployments: a root that is trusted, a DNS server, an identity. */
export interface DeploymentWorld {
  /** A certificate with its chain by an intermediate authority, kept for the next who wants the same. */
  certificate(names: readonly string[], more?: CertificateWish): ServedCertificate;
  /** A homeserver of that name which fetches the identity's keys. */
  homeserver(plan: Plan, serverName?: string): Handler;
  test(plan: Plan): Promise<Tested>;
  /** Builds it and leaves it standing, one at a time, for whoever tests from outside. */
  open(plan: Plan): Promise<Standing>;
  close(): Promise<void>;
}

/** A deployment that stands: what somebody has to be told to find it. */
export interface Standing {
  /** `host:port` */
  readonly dns: string;
  /** PEM of the authority. */
  readonly ca: string;
  /** As curl has it. */
  readonly connectTo: readonly string[];
  close(): Promise<void>;
}

export interface CertificateWish extends Pick<Wish, 'notBefore' | 'notAfter'> {
  readonly by?: 'intermediate' | 'itself' | 'stranger';
  /** Without the certificate of the intermediate authority. */
  readonly bare?: boolean;
}

export const NAME = 'example.test';
export const HOST = 'matrix.example.test';
/** Nobody listens there: the port of a service that is out of use (tcpmux). */
const CLOSED_PORT = 1;
/** For those rows in which somebody says nothing. */
export const IMPATIENT: Partial<TesterOptions> = {
  total: 2_000,
  patience: { connect: 300, handshake: 300, answer: 300 },
};
const OPTIONS = {
  allowPrivate: true,
  total: 15_000,
  largeBody: 50_000,
};

/** A healthy one of each kind of delegation. */
export function planDeployment(world: DeploymentWorld, by: 'nothing' | 'well-known' | 'srv'): Plan {
  const plan: Plan = {
    asked: NAME,
    zone: { [`A ${NAME}`]: [['A', '127.0.0.1']] },
    listeners: {},
    identityReachable: true,
    options: {},
    policy: { reach: 'private' },
  };
  const handle = world.homeserver(plan);
  const addresses = ['127.0.0.1'];
  if (by === 'nothing') {
    plan.listeners[`${NAME}:8448`] = { addresses, certificate: world.certificate([NAME]), handle };
    return plan;
  }
  plan.zone[`A ${HOST}`] = [['A', '127.0.0.1']];
  if (by === 'well-known') {
    plan.listeners[`${NAME}:443`] = { addresses, certificate: world.certificate([NAME]), handle: wellKnown() };
    plan.listeners[`${HOST}:443`] = { addresses, certificate: world.certificate([HOST]), handle };
    return plan;
  }
  plan.zone[`SRV _matrix-fed._tcp.${NAME}`] = [['SRV', `10 5 8443 ${HOST}`]];
  plan.zone[`SRV _matrix._tcp.${NAME}`] = [['SRV', `10 5 8443 ${HOST}`]];
  plan.listeners[`${HOST}:8443`] = { addresses, certificate: world.certificate([NAME]), handle };
  return plan;
}

/** A web server that has the document, and 404 for anything else. */
export function wellKnown(server: unknown = `${HOST}:443`): Handler {
  return (request, response) => {
    if (request.url !== '/.well-known/matrix/server') return sendJson(response, 404, {});
    response.setHeader('Access-Control-Allow-Origin', '*');
    sendJson(response, 200, { 'm.server': server });
  };
}

/** Changes one listener of a plan. */
export function change(plan: Plan, at: string, more: Partial<Listener>): void {
  plan.listeners[at] = { ...plan.listeners[at]!, ...more };
}

export async function openDeploymentWorld(): Promise<DeploymentWorld> {
  const root = makeCertificate({ commonName: 'Test Root', ca: true });
  const intermediate = makeCertificate({ commonName: 'Test Intermediate', ca: true, issuer: root });
  const stranger = makeCertificate({ commonName: 'Stranger Root', ca: true });
  const made = new Map<string, ServedCertificate>();
  // One for all: reading the roots takes as long as a test.
  const https = createHttpsExchange({ system: realSystem, ca: [root.certPem] });
  let zone: Plan['zone'] = {};
  const dns = await startDnsServer((name, type) => zone[`${type} ${name}`] ?? []);
  const identity = createIdentity(
    { serverName: named('tester.test'), key: createSigningKey('ed25519:check', Buffer.alloc(32, 7)) },
    { system: realSystem },
  );

  function make(names: readonly string[], { by = 'intermediate', bare = false, ...time }: CertificateWish): Made[] {
    if (by === 'itself') return [makeCertificate({ names, ...time })];
    const issuer = by === 'stranger' ? stranger : intermediate;
    const leaf = makeEcCertificate(names, issuer, 'P-256', time);
    return bare ? [leaf] : [leaf, issuer];
  }

  return {
    certificate(names, more = {}) {
      const wanted = JSON.stringify([names, more]);
      let served = made.get(wanted);
      if (served === undefined) {
        const chain = make(names, more);
        served = { cert: chain.map(({ certPem }) => certPem).join(''), key: chain[0]!.keyPem };
        made.set(wanted, served);
      }
      return served;
    },
    homeserver: (plan, serverName = NAME) =>
      standIn({ serverName, fetchKeys: () => (plan.identityReachable ? identity.publish() : undefined) }),
    async test(plan) {
      zone = plan.zone;
      const running = await listenAll(plan);
      try {
        return await runTest(plan, running.connectTo, dns, https, identity);
      } finally {
        await running.close();
      }
    },
    async open(plan) {
      zone = plan.zone;
      const { written, close } = await listenAll(plan);
      return { dns: dns.address, ca: root.certPem, connectTo: written, close };
    },
    close: () => dns.close(),
  };
}

async function runTest(
  plan: Plan,
  connectTo: NonNullable<TesterOptions['connectTo']>,
  dns: TestDnsServer,
  https: HttpsExchange,
  identity: Identity,
): Promise<Tested> {
  const system = realSystem;
  const names = createNames({ server: dns.address }, { system, dns: createDnsClient({ timeout: 200 }) });
  const before = identity.keyFetches() ?? 0;
  // The count of this test alone: one identity serves all of them.
  const ours = { ...identity, keyFetches: () => (identity.keyFetches() ?? 0) - before };
  const options = { ...OPTIONS, connectTo, identity: ours, ...plan.options };
  const facts = await gatherFacts(plan.asked, { system, names, https }, options, AbortSignal.timeout(30_000));
  return { facts, verdict: judge(facts, plan.policy, system.now()) };
}

async function listenAll(plan: Plan): Promise<{
  readonly connectTo: NonNullable<TesterOptions['connectTo']>;
  readonly written: readonly string[];
  close(): Promise<void>;
}> {
  const servers: Server[] = [];
  const open = new Set<Socket>();
  const start = async (listener: Listener, address: string, port: number): Promise<number> => {
    const server = createServer(listener);
    server.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => open.delete(socket));
    });
    server.on('tlsClientError', () => {});
    server.listen(port, address);
    await once(server, 'listening');
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };
  const mappings: string[] = [];
  for (const [at, listener] of Object.entries(plan.listeners)) {
    const port = await startEverywhere(listener, start);
    const [host = '', meant = ''] = at.split(/:(?=\d+$)/);
    mappings.push(`${host === '*' ? '' : host}:${meant}::${port}`);
  }
  for (const meant of [443, 8448, 8443]) mappings.push(`:${meant}::${CLOSED_PORT}`);
  return {
    written: mappings,
    connectTo: mappings.map((text) => {
      const parsed = parseConnectTo(text);
      if (!parsed.ok) throw new Error(parsed.why);
      return parsed.value;
    }),
    async close() {
      for (const socket of open) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** On one port of all addresses, which may take a few attempts: others use ports as well. */
async function startEverywhere(
  listener: Listener,
  start: (listener: Listener, address: string, port: number) => Promise<number>,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      let port = 0;
      for (const address of listener.addresses) port = await start(listener, address, port);
      return port;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

function createServer({ certificate, handle, raw }: Listener): Server {
  if (raw !== undefined) return createTcpServer(raw);
  return createHttpsServer({ ...certificate, keepAlive: false }, (request, response) => {
    handle?.(request, response);
  });
}
