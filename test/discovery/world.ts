import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHttpsExchange } from '../../src/base/create-https-exchange.ts';
import { createDnsClient } from '../../src/base/dns.ts';
import { realSystem } from '../../src/base/system.ts';
import { type ConnectTo, parseConnectTo } from '../../src/discovery/connect-to.ts';
import type { DiscoveryDeps } from '../../src/discovery/fetch-well-known.ts';
import { createNames } from '../../src/discovery/names.ts';
import type { Resolution } from '../../src/discovery/resolution.ts';
import { parseServerName, type ServerName } from '../../src/matrix/server-name.ts';
import { type DnsAnswer, startDnsServer } from '../harness/dns-server.ts';
import { makeCertificate } from '../tls/make-certificate.ts';

/** What a web server says for one host: an answer, or whatever a test does with the request. */
export type Site =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }
  | ((request: IncomingMessage, response: ServerResponse) => void);

/**
 * What there is: DNS answers by `TYPE name` and web sites by Host, or by Host and path. A name without an answer of its
 * own has the address 127.0.0.1; of other records there are none.
 */
export interface World {
  readonly zone?: Readonly<Record<string, DnsAnswer>>;
  readonly sites?: Readonly<Record<string, Site>>;
}

/** A DNS server and an HTTPS server with a certificate for `fed.test`, `*.fed.test` and its address; settable worlds. */
export interface TestNetwork extends DiscoveryDeps {
  /** Questions to the DNS server since the world was set, `TYPE name`. */
  readonly questions: string[];
  /** Requests to the web server since then, `Host path`. */
  readonly requests: string[];
  /** Leads port 443 of every host to the web server. */
  readonly connectTo: readonly ConnectTo[];
  readonly httpsPort: number;
  readonly dnsAddress: string;
  /** The certificate, in PEM, of the authority that the exchange trusts. */
  readonly authority: string;
  set(world: World): void;
  close(): Promise<void>;
}

/** The web server is at `address`, which is also that of all names, and at `port`, if not at any that is free. */
export async function startTestNetwork({ address = '127.0.0.1', port = 0 } = {}): Promise<TestNetwork> {
  const system = realSystem;
  const root = makeCertificate({ commonName: 'Discovery Test Root', ca: true });
  const leaf = makeCertificate({ names: ['fed.test', '*.fed.test', address], issuer: root });
  let world: World = {};
  const questions: string[] = [];
  const requests: string[] = [];
  const dns = await startDnsServer((name, type) => {
    questions.push(`${type} ${name}`);
    const given = world.zone?.[`${type} ${name}`];
    if (given !== undefined) return given;
    return type === 'A' && !name.startsWith('_') ? [['A', address]] : [];
  });
  const web = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    const host = request.headers.host ?? '';
    requests.push(`${host} ${request.url}`);
    const site = world.sites?.[`${host}${request.url}`] ?? world.sites?.[host] ?? { status: 404 };
    if (typeof site === 'function') return site(request, response);
    response.writeHead(site.status ?? 200, site.headers ?? {});
    response.end(site.body ?? '');
  });
  web.listen(port, address);
  await once(web, 'listening');
  const httpsPort = (web.address() as AddressInfo).port;
  return {
    system,
    names: createNames({ server: dns.address }, { system, dns: createDnsClient({ timeout: 100 }) }),
    https: createHttpsExchange({ system, ca: [root.certPem] }),
    questions,
    requests,
    connectTo: [mapping(`:443::${httpsPort}`)],
    httpsPort,
    dnsAddress: dns.address,
    authority: root.certPem,
    set(next) {
      world = next;
      questions.length = 0;
      requests.length = 0;
    },
    async close() {
      web.closeAllConnections();
      web.close();
      await Promise.all([dns.close(), once(web, 'close')]);
    },
  };
}

export function mapping(text: string): ConnectTo {
  const parsed = parseConnectTo(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

export function named(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

/** Where a resolution leads, in short: `host:port=address,address`. */
export function placesOf({ destinations }: Resolution): string[] {
  return destinations.map(({ host, port, addresses }) => `${host}:${port}=${addresses.addresses.join(',')}`);
}
