import { accessSync, constants } from 'node:fs';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { delimiter, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { headerOf } from '../harness/strict-http.ts';
import { GOLDEN, runImport } from '../import/import-bench.ts';
import { type NginxBeside, startNginxBeside } from './nginx-beside.ts';

interface Example {
  /** A file or folder of the golden examples of nginx. */
  readonly name: string;
  /** Where an upstream is put together of variables. */
  readonly swap?: (text: string, port: number) => string;
  /** What nginx does to paths is a mistake here, which the sidecar does not make. */
  readonly mangles?: true;
}

const byVariables = (text: string, port: number): string =>
  text
    .replaceAll('"192.168.1.20"', '127.0.0.1')
    .replaceAll(/\b8008\b/g, String(port))
    .replaceAll(/(set \$\w+) synapse;/g, '$1 127.0.0.1;');

const EXAMPLES: readonly Example[] = [
  { name: 'reverse-proxy-docs.conf' },
  { name: 'delegated-apex-here.conf' },
  { name: 'escaped-json.conf' },
  { name: 'trailing-slash.conf', mangles: true },
  { name: 'everything-to-synapse.conf' },
  { name: 'admin-from-office.conf' },
  { name: 'workers-by-location.conf' },
  { name: 'workers-by-map.conf' },
  { name: 'workers-as-documented.conf' },
  { name: 'workers-and-logins.conf' },
  { name: 'workers-prefixed.conf' },
  { name: 'separate-federation-port.conf' },
  { name: 'certbot-edited.conf' },
  { name: 'container-subdomain.conf', swap: byVariables },
  { name: 'web-interface.conf', swap: byVariables },
  { name: 'debian-split' },
  { name: 'behind-another-proxy.conf' },
  { name: 'generated-by-docker.conf' },
  { name: 'content-network.conf' },
  { name: 'proxy-protocol.conf' },
  { name: 'redirected-documents.conf' },
  { name: 'documents-as-files' },
  { name: 'named-locations.conf' },
  { name: 'path-by-variable.conf', swap: byVariables, mangles: true },
  { name: 'two-names-one-block.conf' },
  { name: 'two-homeservers.conf' },
  { name: 'client-beside-homeserver.conf' },
  { name: 'authentication-service.conf' },
  { name: 'own-addresses.conf' },
  { name: 'nested-locations.conf' },
  { name: 'limited.conf' },
  { name: 'odd-syntax.conf' },
  { name: 'stripped-prefix.conf', mangles: true },
];

const REQUESTS: readonly { readonly method: string; readonly path: string; readonly body?: string }[] = [
  { method: 'GET', path: '/_matrix/client/versions' },
  { method: 'GET', path: '/_matrix/client/v3/sync?timeout=0&since=s1' },
  { method: 'POST', path: '/_matrix/client/v3/login', body: '{"type":"m.login.password"}' },
  { method: 'GET', path: '/_matrix/client/v3/rooms/!a%2Fb:example.com/messages?dir=b&from=%23' },
  { method: 'PUT', path: '/_matrix/federation/v1/send/1', body: '{"pdus":[]}' },
  { method: 'GET', path: '/_matrix/federation/v1/event/%24a%2Fb%21?x=%2F' },
  { method: 'GET', path: '/_matrix/key/v2/server' },
  { method: 'POST', path: '/_matrix/media/v3/upload?filename=a%20b', body: 'x'.repeat(2000) },
  { method: 'GET', path: '/_synapse/client/pick_idp' },
  { method: 'GET', path: '/_synapse/admin/v1/server_version' },
  { method: 'GET', path: '/_synapse/metrics' },
  { method: 'GET', path: '/.well-known/matrix/server' },
  { method: 'GET', path: '/.well-known/matrix/client' },
  { method: 'GET', path: '/.well-known/matrix/support' },
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/some/page?x=%2F' },
];

/** What became of a request. */
interface Seen {
  readonly status: number;
  readonly json: unknown;
  /** The upstream that got it, and what that got. */
  readonly at: string | undefined;
  readonly got: string | undefined;
  readonly host: string | undefined;
}

function findNginx(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .map((folder) => join(folder, 'nginx'))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const program = findNginx();
const missing = program === undefined ? 'no nginx on PATH (Debian: apt-get install nginx)' : undefined;
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a real nginx is here, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}
if (missing !== undefined) console.warn(`Skipped: ${missing}`);

let nginx: NginxBeside | undefined;
let sidecar: TestSidecar | undefined;
afterEach(async () => {
  await sidecar?.close();
  await nginx?.close();
  [nginx, sidecar] = [undefined, undefined];
});

/** Sends one request and looks where it arrived. */
async function send(
  beside: NginxBeside,
  to: { readonly port: number; readonly tls: boolean; readonly host: string },
  { method, path, body }: (typeof REQUESTS)[number],
): Promise<Seen> {
  for (const upstream of beside.upstreams.values()) upstream.reset();
  const headers = { Host: to.host, ...(body === undefined ? {} : { 'Content-Length': String(body.length) }) };
  const options = { host: '127.0.0.1', port: to.port, method, path, headers, agent: false, rejectUnauthorized: false };
  const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const take = (incoming: IncomingMessage): void => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('error', reject).on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    };
    const sent = to.tls ? requestHttps({ ...options, servername: to.host }, take) : requestHttp(options, take);
    sent.on('error', reject);
    sent.end(body);
  });
  const arrived = [...beside.upstreams].flatMap(([at, upstream]) =>
    upstream.requests().map((request) => ({ at, request })),
  );
  const first = arrived[0];
  return {
    status: answer.status,
    json: parseJson(answer.text),
    at: first?.at,
    got:
      first === undefined
        ? undefined
        : `${first.request.method} ${first.request.target} ${first.request.body.toString()}`,
    host: first === undefined ? undefined : headerOf(first.request, 'host'),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const MORE = /\[import-workers-more\]/;
const LESS = /\[import-(workers|workers-differ)\]/;

/** Why what the sidecar did is not what nginx did; undefined where it is. */
function compare(
  before: Seen,
  after: Seen,
  homes: ReadonlySet<string>,
  request: (typeof REQUESTS)[number],
  example: Example,
  said: string,
  isShared: (one: string, other: string) => boolean,
): string | undefined {
  const { path, method, body = '' } = request;
  const closed = path.startsWith('/_synapse/') && !path.startsWith('/_synapse/client/');
  const isMatrix = path.startsWith('/_matrix/') || path.startsWith('/_synapse/');
  if (before.at !== undefined) {
    if (closed && after.at === undefined && after.status >= 400) return undefined;
    // The sidecar publishes the documents itself.
    if (path.startsWith('/.well-known/') && after.at === undefined) return undefined;
    if (!isMatrix && after.at === undefined && said.includes('[import-website-shared]')) return undefined;
    const expected = example.mangles === true ? `${method} ${path} ${body}` : before.got;
    if (after.got !== expected) return `the upstream got ${after.got} instead of ${expected}`;
    if (after.at === before.at || (after.at !== undefined && isShared(before.at, after.at))) return undefined;
    const differs = `${after.at} got it instead of ${before.at}`;
    if (!isMatrix) return differs;
    // Where workers take more or less than before, a finding says so.
    if (homes.has(before.at)) return !homes.has(after.at ?? '') && MORE.test(said) ? undefined : differs;
    // What is no worker, a website for one, has no Matrix here.
    return LESS.test(said) || !isShared(before.at, before.at) ? undefined : differs;
  }
  if (path.startsWith('/.well-known/') && before.status === 200 && before.json !== undefined) {
    return after.status === 200 && isDeepStrictEqual(after.json, before.json)
      ? undefined
      : `the document is ${JSON.stringify(after.json)}`;
  }
  // What was refused may be Matrix's, which the sidecar serves as a whole, and nothing else.
  // A server has one website, on all of its hosts: said by a finding of its own.
  if (after.at !== undefined && said.includes('[import-website-shared]')) return undefined;
  return after.at !== undefined && !isMatrix ? `${after.at} got what nginx refused with ${before.status}` : undefined;
}

describe.skipIf(missing !== undefined)(
  'What import makes of a configuration routes requests as a real nginx with it does',
  () => {
    test.each(EXAMPLES)('$name', async (example) => {
      nginx = await startNginxBeside(program!, join(GOLDEN, 'nginx', example.name), example.swap ?? ((text) => text));
      const { yaml, said, code } = await runImport(['nginx', nginx.path]);
      expect([code, said]).toEqual([0, said]);
      // The ports of the test, and certificates of the development CA.
      sidecar = await startTestSidecar(yaml.replaceAll(/^listen:.*$/gm, ''));
      const homes = new Set(
        [...nginx.upstreams].flatMap(([at, { port }]) =>
          sidecar!.config.servers.some(
            ({ homeserver }) => homeserver.text === `http://127.0.0.1:${port}` || at.startsWith('unix:'),
          )
            ? [at]
            : [],
        ),
      );
      const placeOf = (at: string): string => `http://127.0.0.1:${nginx!.upstreams.get(at)?.port}`;
      const pools = sidecar.config.servers.flatMap(({ mas, workers }) => [
        ...(mas === undefined ? [] : [mas.instances]),
        ...Object.values(workers?.pools ?? {}),
      ]);
      const isShared = (one: string, other: string): boolean =>
        pools.some((pool) => [one, other].every((at) => pool.some(({ text }) => text === placeOf(at))));
      const differences: string[] = [];
      let routed = 0;
      for (const server of sidecar.config.servers) {
        const hosts = new Set([
          server.delegateTo?.host ?? server.serverName.host,
          ...(server.apex === 'here' ? [server.serverName.host] : []),
        ]);
        for (const host of hosts) {
          for (const port of [443, 8448, 10_443, 8080]) {
            const to = nginx.port(port);
            if (to === undefined) continue;
            for (const request of REQUESTS) {
              const before = await send(nginx, { port: to, tls: port !== 8080, host }, request);
              const after = await send(
                nginx,
                { port: port === 8448 ? sidecar.federation : sidecar.https, tls: true, host },
                request,
              );
              if (before.at !== undefined && after.at !== undefined) routed++;
              const difference = compare(before, after, homes, request, example, said, isShared);
              if (difference !== undefined)
                differences.push(`${host}:${port} ${request.method} ${request.path}: ${difference}`);
              // A request leaves with the Host that it came with, whatever nginx made of it.
              if (after.at !== undefined && after.host !== host) differences.push(`${host} became ${after.host}`);
            }
          }
        }
      }
      expect(differences).toEqual([]);
      expect(routed).toBeGreaterThanOrEqual(5);
    });
  },
);
