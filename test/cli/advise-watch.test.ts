import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDnsClient } from '../../src/base/dns.ts';
import { gatherAdvice } from '../../src/cli/advise/gather-advice.ts';
import { judgeLive } from '../../src/cli/advise/judge-live.ts';
import { type LookDeps, lookFromOutside } from '../../src/cli/advise/look-from-outside.ts';
import { type WatchNews, watchServers } from '../../src/cli/advise/watch-servers.ts';
import { readConfig } from '../app/test-config.ts';
import { mapping, type Site, startTestNetwork, type TestNetwork, type World } from '../discovery/world.ts';
import { startDnsServer } from '../harness/dns-server.ts';
import { until } from '../harness/until.ts';
import { makeCertificate } from '../tls/make-certificate.ts';
import { runAdvise } from './advise-bench.ts';

const NOTHING_FOUND = { accountUrl: undefined, acmeDnsName: () => undefined };
const HEADERS = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' };
const SERVER = '{"m.server":"matrix.fed.test:443"}';
const CLIENT = '{"m.homeserver":{"base_url":"https://matrix.fed.test"}}';
const VERSION = '/_matrix/federation/v1/version';

let network: TestNetwork;
let deps: LookDeps;
beforeAll(async () => {
  network = await startTestNetwork();
  deps = {
    ...network,
    dns: createDnsClient({ servers: [network.dnsAddress], timeout: 200 }),
    connectTo: [...network.connectTo, mapping(`:8448::${network.httpsPort}`)],
  };
});
afterAll(() => network.close());

/** One server of a configuration, and its advice. */
function advised(keys: string, name = 'site.fed.test') {
  const config = readConfig(`servers: [{ server_name: ${name}, homeserver: "http://synapse:8008"${keys} }]`);
  return { serverName: config.servers[0]!.serverName, advice: gatherAdvice(config, NOTHING_FOUND)[0]! };
}

const WELL_KNOWN = ', delegate_to: "matrix.fed.test:443", apex: elsewhere';
const SRV = `${WELL_KNOWN}, delegate_by: srv`;

function site(body: string, more: Partial<{ status: number; headers: Record<string, string> }> = {}): Site {
  return { status: 200, headers: HEADERS, body, ...more };
}

/** Everything as the advice for `WELL_KNOWN` has it. */
const GOOD: Record<string, Site> = {
  'site.fed.test/.well-known/matrix/server': site(SERVER),
  'site.fed.test/.well-known/matrix/client': site(CLIENT),
  [`matrix.fed.test:443${VERSION}`]: site('{}'),
};
const SERVICES: NonNullable<World['zone']> = {
  'SRV _matrix-fed._tcp.site.fed.test': [['SRV', '10 0 443 matrix.fed.test']],
  'SRV _matrix._tcp.site.fed.test': [['SRV', '10 0 443 matrix.fed.test']],
};
const BY_SRV = { [`site.fed.test${VERSION}`]: site('{}') };

async function look(world: World, keys: string, name?: string) {
  network.set(world);
  const { serverName, advice } = advised(keys, name);
  const seen = await lookFromOutside(serverName, advice, deps, AbortSignal.timeout(10_000));
  return judgeLive(advice, seen, deps.connectTo);
}

const hop = (status: number, headers: Record<string, string> = HEADERS): Site => ({
  status,
  headers: { ...headers, Location: 'https://matrix.fed.test/.well-known/matrix/client' },
});

describe('what is still missing, seen from outside', () => {
  it('is nothing where everything is as advised', async () => {
    expect(await look({ sites: GOOD }, WELL_KNOWN)).toEqual([]);
    expect(await look({ sites: { ...GOOD, ...BY_SRV }, zone: SERVICES }, `${WELL_KNOWN}, delegate_by: both`)).toEqual(
      [],
    );
    const elsewhere = { 'site.fed.test/.well-known/matrix/client': site(CLIENT), ...BY_SRV };
    expect(await look({ sites: elsewhere, zone: SERVICES }, SRV)).toEqual([]);
  });

  it('is nothing where the website redirects to the sidecar with CORS', async () => {
    const sites = {
      ...GOOD,
      'site.fed.test/.well-known/matrix/client': hop(302),
      'matrix.fed.test/.well-known/matrix/client': site(CLIENT),
    };
    expect(await look({ sites }, WELL_KNOWN)).toEqual([]);
  });

  const documents: readonly [string, string, Site, boolean, RegExp][] = [
    ['is missing', 'server', { status: 404 }, true, /status 404/],
    [
      'leads somewhere else',
      'server',
      site('{"m.server":"old.fed.test:443"}'),
      true,
      /another content.*old\.fed\.test/,
    ],
    ['is a web page', 'server', site('<html>'), true, /no JSON object but a web page/],
    ['is an array', 'client', site('[]'), true, /no JSON object/],
    ['is endless', 'client', site('x'.repeat(60_000)), true, /far too long/],
    [
      'is plain text',
      'server',
      site(SERVER, { headers: { ...HEADERS, 'Content-Type': 'text/plain' } }),
      false,
      /text\/plain/,
    ],
    [
      'has no CORS',
      'client',
      site(CLIENT, { headers: { 'Content-Type': 'application/json' } }),
      true,
      /Access-Control/,
    ],
    [
      'has no CORS, for servers',
      'server',
      site(SERVER, { headers: { 'Content-Type': 'application/json' } }),
      false,
      /Access-Control/,
    ],
    ['has no CORS on its redirect', 'client', hop(302, {}), true, /site\.fed\.test.*no Access-Control/],
    ['redirects by 308', 'client', hop(308), true, /308, which Synapse does not follow/],
    [
      'redirects in a circle',
      'client',
      { status: 302, headers: { Location: '/.well-known/matrix/client' } },
      true,
      /redirects/,
    ],
    [
      'is a stale copy',
      'client',
      site('{"m.homeserver":{"base_url":"https://old.fed.test"}}'),
      true,
      /another content/,
    ],
  ];
  it.each(documents)('a document that %s (%s)', async (_, name, given, blocking, words) => {
    const sites = {
      ...GOOD,
      [`site.fed.test/.well-known/matrix/${name}`]: given,
      'matrix.fed.test/.well-known/matrix/client': site(CLIENT),
    };
    const missing = await look({ sites }, WELL_KNOWN);
    expect(missing.map(({ what }) => what).join('\n')).toMatch(words);
    expect(missing.some((one) => one.blocking)).toBe(blocking);
  });

  const elsewhere = { 'site.fed.test/.well-known/matrix/client': site(CLIENT), ...BY_SRV };
  const services: readonly [string, NonNullable<World['zone']>, boolean, RegExp][] = [
    ['are not there', {}, true, /no SRV record _matrix-fed/],
    ['lack the old name', { ...SERVICES, 'SRV _matrix._tcp.site.fed.test': [] }, false, /no SRV record _matrix\._tcp/],
    [
      'lead elsewhere',
      { ...SERVICES, 'SRV _matrix-fed._tcp.site.fed.test': [['SRV', '10 0 8448 old.fed.test']] },
      true,
      /leads to old\.fed\.test:8448/,
    ],
    ['cannot be had', { ...SERVICES, 'SRV _matrix-fed._tcp.site.fed.test': 'SERVFAIL' }, true, /cannot be looked up/],
    [
      'lead to an alias',
      { ...SERVICES, 'CNAME matrix.fed.test': [['CNAME', 'web.fed.test']] },
      true,
      /alias \(CNAME\) of web\.fed\.test/,
    ],
    [
      'lead to a name without addresses',
      { ...SERVICES, 'A matrix.fed.test': [] },
      true,
      /matrix\.fed\.test has no address/,
    ],
  ];
  it.each(services)('SRV records that %s', async (_, zone, blocking, words) => {
    const missing = await look({ sites: elsewhere, zone }, SRV);
    expect(missing.map(({ what }) => what).join('\n')).toMatch(words);
    expect(missing.some((one) => one.blocking)).toBe(blocking);
  });

  it('a website that cannot be reached at all, once and not for each document', async () => {
    const missing = await look({ sites: GOOD, zone: { 'A site.fed.test': [] } }, WELL_KNOWN);
    expect(missing.map(({ what }) => what)).toEqual([
      'https://site.fed.test/.well-known/matrix/ cannot be had: site.fed.test has no address.',
    ]);
  });

  it('a homeserver that does not answer behind a sidecar that does', async () => {
    const missing = await look({ sites: { ...GOOD, [`matrix.fed.test:443${VERSION}`]: { status: 502 } } }, WELL_KNOWN);
    expect(missing.map(({ what }) => what)).toEqual([expect.stringContaining('with the status 502')]);
  });

  it('a certificate for another name, and the record by which there would be one', async () => {
    // Nobody has a certificate for this name here.
    const name = 'deep.site.fed.test';
    const zone = {
      'SRV _matrix-fed._tcp.deep.site.fed.test': SERVICES['SRV _matrix-fed._tcp.site.fed.test']!,
      'SRV _matrix._tcp.deep.site.fed.test': SERVICES['SRV _matrix-fed._tcp.site.fed.test']!,
    };
    const missing = (await look({ zone, sites: {} }, SRV, name)).filter(({ blocking }) => blocking);
    expect(missing.map(({ what }) => what)).toEqual([
      'The record by which the CA lets us have a certificate is not there yet (_validation-persist.deep.site.fed.test.).',
      expect.stringMatching(/is not good for deep\.site\.fed\.test: /),
    ]);
    expect(missing[0]!.fix).toContain(' or _acme-challenge.deep.site.fed.test. IN CNAME ');
    const alias = {
      'CNAME _acme-challenge.deep.site.fed.test': [
        ['CNAME', 'deep.site.fed.test._acme-challenge.matrix.fed.test'],
      ] as const,
    };
    const later = (await look({ zone: { ...zone, ...alias }, sites: {} }, SRV, name)).filter(
      ({ blocking }) => blocking,
    );
    expect(later.map(({ what }) => what)).toEqual([expect.stringMatching(/is not good for deep\.site\.fed\.test: /)]);
  });

  it('a delegation of earlier days that nobody wants any more', async () => {
    const sites = {
      ...GOOD,
      'site.fed.test/.well-known/matrix/client': site('{"m.homeserver":{"base_url":"https://site.fed.test"}}'),
      [`site.fed.test${VERSION}`]: site('{}'),
    };
    const missing = await look({ sites }, '');
    expect(missing.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^Other servers go to matrix\.fed\.test:\d+ and not to site\.fed\.test:\d+\. /),
    ]);
  });
});

describe('waiting until all is live', () => {
  const watch = (news: WatchNews[], signal: AbortSignal, timeout?: number) =>
    watchServers(
      { servers: [advised(WELL_KNOWN)], timeout, pause: 10 },
      { ...deps, tell: (one) => news.push(one) },
      signal,
    );
  const never = new AbortController().signal;

  it('tells what is missing only when that changes, and the moment that it is right', async () => {
    network.set({ sites: {} });
    const news: WatchNews[] = [];
    const ended = watch(news, never);
    const looks = () => network.requests.filter((request) => request.endsWith('/matrix/client')).length;
    await until('four looks at nothing', () => looks() >= 4);
    expect(news.map(({ live }) => live)).toEqual([false]);
    network.set({ sites: { ...GOOD, 'site.fed.test/.well-known/matrix/client': { status: 404 } } });
    await until('three looks at the one document', () => looks() >= 3);
    network.set({ sites: GOOD });
    expect(await ended).toBe('live');
    const last = news.slice(-2).map(({ live, missing }) => [live, missing.length]);
    expect(last).toEqual([
      [false, 1],
      [true, 0],
    ]);
    expect(news.length).toBeLessThanOrEqual(4);
  });

  it('ends when the time is over, and when it is interrupted', async () => {
    network.set({ sites: {} });
    expect(await watch([], never, 100)).toBe('timeout');
    expect(await watch([], AbortSignal.timeout(50))).toBe('interrupted');
    expect(await watch([], AbortSignal.abort())).toBe('interrupted');
  });
});

describe('advise --watch', () => {
  const env = { SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' };

  it('looks by the given DNS server and with the given authority, and ends with 0', async () => {
    const root = makeCertificate({ commonName: 'Root of the tests', ca: true });
    const leaf = makeCertificate({ names: ['example.com'], issuer: root });
    const web = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
      response.writeHead(request.url?.endsWith('/server') === true ? 404 : 200, HEADERS);
      response.end('{"m.homeserver":{"base_url":"https://example.com"}}');
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;
    const dns = await startDnsServer((name, type) =>
      type === 'A' && name === 'example.com' ? [['A', '127.0.0.1']] : [],
    );
    try {
      const args = ['--watch', '--dns', dns.address, '--ca-file', 'ca.pem', '--timeout', '10s'];
      const all = [...args, '--connect-to', `:443::${port}`, '--connect-to', `:8448::${port}`];
      const ran = await runAdvise({ env, args: all, files: { 'ca.pem': root.certPem } });
      expect([ran.code, ran.err]).toEqual([0, '']);
      expect(ran.out).toMatch(
        /^\d\d:\d\d:\d\d example\.com: live\.\nAll is live: other servers find this sidecar\.\n$/,
      );
      const json = await runAdvise({ env, args: [...all, '--format', 'json'], files: { 'ca.pem': root.certPem } });
      expect(JSON.parse(json.out)).toMatchObject({ server_name: 'example.com', live: true, missing: [] });
      const early = await runAdvise({ env, args: [...args.slice(0, 3), '--timeout', '2s', ...all.slice(-4)] });
      expect(early.code).toBe(1);
      expect(early.out).toMatch(/example\.com: not yet: [1-9]/);
      expect(early.err).toContain('The time is over');
    } finally {
      web.close();
      web.closeAllConnections();
      await dns.close();
    }
  });

  it('ends in order by Ctrl-C, as a shell expects it', async () => {
    const dns = await startDnsServer(() => 'NXDOMAIN');
    const main = join(import.meta.dirname, '../../src/main.ts');
    const child = spawn(process.execPath, [main, 'advise', '--watch', '--dns', dns.address], {
      cwd: tmpdir(),
      env: { ...env, SERVER_NAME: 'site.invalid' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += String(chunk);
      });
    }
    try {
      await until('it says what is missing', () => said.includes('site.invalid: not yet'), 15_000);
      child.kill('SIGINT');
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).toBe(130);
      expect(said).not.toMatch(/Error|at file:/);
    } finally {
      child.kill('SIGKILL');
      await dns.close();
    }
  });

  it.each([
    [['--dns', 'ns.example.com'], 'is a name'],
    [['--dns', '::::'], '--dns'],
    [['--connect-to', 'x'], '--connect-to'],
    [['--timeout', '5'], '--timeout'],
    [['--ca-file', 'none.pem'], 'none.pem'],
  ])('refuses %j with 2', async (args, words) => {
    const ran = await runAdvise({ env, args: ['--watch', ...args] });
    expect([ran.code, ran.out]).toEqual([2, '']);
    expect(ran.err).toContain(words);
  });
});
