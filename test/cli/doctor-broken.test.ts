import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer, request as requestHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choosePorts } from '../../src/cli/demo/choose-ports.ts';
import { startDnsServer } from '../harness/dns-server.ts';
import { startRawUpstream } from '../harness/upstream.ts';
import { DAY, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { type DoctorBench, type LookOptions, openDoctorBench, usualServers } from './doctor-bench.ts';

let bench: DoctorBench;
const servers: Server[] = [];
beforeEach(async () => {
  bench = await openDoctorBench();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    if ('closeAllConnections' in server) (server as unknown as { closeAllConnections(): void }).closeAllConnections();
  }
  await bench.close();
});

/** All rows but the federation report, which has tests of its own. */
const ALL = /^(?!federation)/;
const diagnose = (options?: LookOptions, only = ALL): Promise<readonly string[]> => bench.diagnose(only, options);

async function listen<T extends Server>(server: T, port = 0): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** In the homeserver's place, says the same to everything. */
async function replaceHomeserver(answer: Parameters<typeof createHttpServer>[1]): Promise<void> {
  await bench.homeserver.close();
  await listen(createHttpServer({}, answer), bench.ports.homeserver);
}

const json = (value: unknown): string => JSON.stringify(value);
const VERSIONS = json({ versions: ['v1.11'] });
/** A certificate for both names by an authority of the test's own. */
function makeOwn(options: { readonly from?: number; readonly days?: number } = {}) {
  const { from = -1, days = 90 } = options;
  const now = Date.now();
  return makeCertificate({
    names: ['example.test', 'matrix.example.test'],
    notBefore: now + from * DAY,
    notAfter: now + (from + days) * DAY,
  });
}

const keys = (): { cert: string; key: string } => {
  const { certPem, keyPem } = makeOwn();
  return { cert: certPem, key: keyPem };
};

describe('a healthy deployment', () => {
  it('has nothing to be said about', async () => {
    await bench.start();
    expect(await bench.diagnose(/./)).toEqual([]);
  });
});

describe('a homeserver', () => {
  beforeEach(async () => void (await bench.start()));

  it('that is down is said to be', async () => {
    await bench.homeserver.stop();
    expect(await diagnose()).toEqual(['homeserver:example.test error homeserver-unreachable']);
  });

  it.each([
    [
      'that redirects',
      { status: 301, headers: { Location: 'https://example.test/' }, body: '' },
      'homeserver-wrong-port',
    ],
    [
      'that is a web site',
      { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>' },
      'homeserver-wrong-port',
    ],
    ['that knows no clients', { status: 404, headers: {}, body: 'No such path' }, 'homeserver-wrong-port'],
    ['that is JSON of another kind', { status: 200, headers: {}, body: '[]' }, 'homeserver-wrong-port'],
  ])('%s is recognised as another program', async (_, { status, headers, body }, id) => {
    await replaceHomeserver((_request, response) => void response.writeHead(status, headers as never).end(body));
    expect(await diagnose()).toEqual([`homeserver:example.test error ${id}`]);
  });

  it('that speaks something else than HTTP is recognised', async () => {
    await bench.homeserver.close();
    const raw = await startRawUpstream((socket) => void socket.end('\x15\x03\x01\x00\x02\x02\x46'), {
      port: bench.ports.homeserver,
    });
    expect(await diagnose()).toEqual(['homeserver:example.test error homeserver-not-http']);
    await raw.close();
  });

  it('without the federation resource is recognised', async () => {
    await replaceHomeserver((request, response) => {
      if (request.url?.startsWith('/_matrix/client/')) response.end(VERSIONS);
      else response.writeHead(404).end(json({ errcode: 'M_UNRECOGNIZED', error: '' }));
    });
    expect(await diagnose()).toEqual(['homeserver:example.test error homeserver-no-federation']);
  });

  it('that serves all but its keys is recognised', async () => {
    await replaceHomeserver((request, response) => {
      if (request.url === '/_matrix/key/v2/server') response.writeHead(404).end(json({ errcode: 'M_UNRECOGNIZED' }));
      else if (request.url === '/_matrix/federation/v1/version') response.end(json({ server: { name: 'X' } }));
      else response.end(VERSIONS);
    });
    const [row] = await bench.rows(/^homeserver:/);
    expect(row?.findings.map(({ id }) => id)).toEqual(['homeserver-no-federation']);
    expect(row?.findings[0]?.what).toContain('to /_matrix/key/v2/server');
  });

  it('of another name is recognised by its keys', async () => {
    await replaceHomeserver((request, response) => {
      if (request.url === '/_matrix/key/v2/server') response.end(json({ server_name: 'other.test' }));
      else if (request.url === '/_matrix/federation/v1/version') response.end(json({ server: { name: 'X' } }));
      else response.end(VERSIONS);
    });
    expect(await diagnose()).toEqual(['homeserver:example.test error homeserver-other-name']);
  });

  it('that takes seconds is warned about', async () => {
    await replaceHomeserver((request, response) => {
      const body =
        request.url?.startsWith('/_matrix/client/') === true
          ? VERSIONS
          : json({ server: {}, server_name: 'example.test' });
      setTimeout(() => response.end(body), request.url === '/_matrix/key/v2/server' ? 2_100 : 0);
    });
    const [row] = await bench.rows(/^homeserver:/);
    expect(row?.findings.map(({ id, severity }) => [id, severity])).toEqual([['homeserver-slow', 'warning']]);
  });
});

describe('a sidecar', () => {
  it('that does not run leaves the rows out that need it', async () => {
    const rows = await bench.rows(/./);
    expect(await diagnose()).toEqual(['sidecar error sidecar-not-running', 'certificates error certificate-missing']);
    expect(rows.filter(({ state }) => state === 'not-checked').map(({ id }) => id)).toEqual([
      'homeserver-yaml:example.test',
      'served-certificates',
      'clients',
      'reach:matrix.example.test:443',
      'path:matrix.example.test:443',
      'reach:example.test:443',
      'path:example.test:443',
      'federation:example.test',
    ]);
  });

  it('that runs with an older configuration is noticed', async () => {
    await bench.start();
    bench.configure(
      `${usualServers(bench.ports)}    website: http://127.0.0.1:1\n  - { server_name: two.test, homeserver: "http://127.0.0.1:${bench.ports.homeserver}" }\n`,
    );
    bench.zone.set('two.test', [['A', '127.0.0.1']]);
    expect(await diagnose({}, /^sidecar/)).toEqual(['sidecar warning sidecar-old-config']);
  });

  it.each([
    ['another way of delegation', '    delegate_by: both\n', 'for example.test it has "delegate_by: well-known"'],
    ['another place for the apex', '    apex: elsewhere\n', 'for example.test it has "apex: here"'],
    ['a website', '    website: http://127.0.0.1:1\n', 'the servers are the same, and something else is not'],
    ['another limit', 'limits: { upload: 1MiB }\n', 'the servers are the same, and something else is not'],
  ])('that was not reloaded since there is %s is noticed', async (_, more, words) => {
    await bench.start();
    bench.configure(`${usualServers(bench.ports)}${more}`);
    const [row] = await bench.rows(/^sidecar/);
    expect(row?.findings.map(({ id, severity }) => [id, severity])).toEqual([['sidecar-old-config', 'warning']]);
    expect(row?.findings[0]?.what).toContain(`than the one that was read: ${words}`);
  });

  it('whose port another program has is noticed', async () => {
    await listen(
      createHttpsServer(keys(), (_, response) => void response.end('hello')),
      bench.ports.https,
    );
    expect((await diagnose())[0]).toBe('sidecar error sidecar-port-foreign sidecar-port-closed sidecar-port-closed');
  });

  it('with another store is not taken for ours', async () => {
    await bench.start();
    bench.write(
      'other.yaml',
      `listen: { https: "127.0.0.1:${bench.ports.https}", federation: off, http: off, admin: "127.0.0.1:${bench.ports.admin}" }\ncertificates: local\nstore: ${bench.folder}/other\n${usualServers(bench.ports)}`,
    );
    const [row] = await bench.rows(/^sidecar/, { config: 'other.yaml' });
    expect(row?.findings[0]?.id).toBe('sidecar-port-foreign');
    expect(row?.findings[0]?.what).toContain(`a sidecar with another store than ${bench.folder}/other.`);
    expect(row?.findings[0]?.fix).toMatch(
      /^If it is your sidecar that has the port, run doctor where that runs, in its working/,
    );
  });

  it('whose store cannot be used stops what needs it', async () => {
    bench.write('certs', 'a file');
    expect(await diagnose()).toEqual(['store error store-not-a-folder']);
  });
});

describe('certificates', () => {
  const bring = (made: ReturnType<typeof makeOwn>, name: string): void => {
    bench.write(`${name}.pem`, made.certPem);
    bench.write(`${name}.key`, made.keyPem);
    bench.configure(
      `${usualServers(bench.ports)}    certificate: { cert: ${bench.folder}/${name}.pem, key: ${bench.folder}/${name}.key }\n`,
      'files',
    );
  };
  const state = (only: RegExp) => bench.diagnose(only);

  it('that are not served as they are stored are noticed', async () => {
    bring(makeOwn(), 'one');
    await bench.start();
    bring(makeOwn(), 'two');
    expect(await state(/^served-certificates/)).toEqual([
      'served-certificates error certificate-not-served certificate-not-served certificate-not-served certificate-not-served',
    ]);
  });

  it('that have expired are noticed', async () => {
    bring(makeOwn({ from: -100, days: 90 }), 'one');
    expect((await state(/^certificates/))[0]).toContain('certificates error certificate-expired');
  });
});

describe('names', () => {
  beforeEach(async () => void (await bench.start()));

  it('without an address are noticed, and nothing is asked there', async () => {
    bench.zone.delete('matrix.example.test');
    expect(await diagnose()).toEqual(['dns:matrix.example.test error name-without-address']);
  });

  it('without an answer from the DNS are noticed', async () => {
    const silent = await startDnsServer(() => 'REFUSED');
    expect(await diagnose({ dns: silent.address })).toEqual([
      'dns:matrix.example.test error name-not-looked-up',
      'dns:example.test error name-not-looked-up',
    ]);
    await silent.close();
  });

  it('are told from a DNS server that does not answer whatever it is asked', async () => {
    const silent = await startDnsServer(() => 'silence');
    const [row] = await bench.rows(/^dns:example/, { dns: silent.address });
    expect(row?.findings[0]?.fix).toContain('Let this machine reach its DNS server');
    await silent.close();
  });

  it('whose own name servers fail are told so', async () => {
    const failing = await startDnsServer((name) => (name.endsWith('example.test') ? 'SERVFAIL' : []));
    const [row] = await bench.rows(/^dns:example/, { dns: failing.address });
    expect(row?.findings[0]?.fix).toContain('Make the name servers of the zone answer');
    await failing.close();
  });

  it('that lead to something else are noticed', async () => {
    const port = await listen(
      createHttpsServer(keys(), (_, response) => void response.writeHead(404, { Server: 'nginx' }).end()),
    );
    const options = { connectTo: [`example.test:443::${port}`] };
    expect(await diagnose(options)).toEqual(['reach:example.test:443 error name-leads-elsewhere']);
    const [row] = await bench.rows(/^reach:example/, options);
    expect(row?.findings[0]?.what).toContain('leads to something else at 127.0.0.1: 404 from nginx');
  });

  it('that this machine cannot be reached by are no error, and hide nothing else', async () => {
    const [closed] = await choosePorts([0]);
    expect(await bench.diagnose(/./, { connectTo: [`:443::${closed}`] })).toEqual([
      'reach:matrix.example.test:443 info no-way-back',
      'reach:example.test:443 info no-way-back',
    ]);
    const ran = await bench.run(['--connect-to', `:443::${closed}`]);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/\nNothing has to be done\. Worth a look: .*matrix-sidecar check/);
  });

  it('of which one address is dead are warned about', async () => {
    bench.zone.set('example.test', [
      ['A', '127.0.0.1'],
      ['A', '127.0.0.2'],
    ]);
    expect(await diagnose()).toEqual(['reach:example.test:443 warning name-address-dead']);
  });
});

/** A proxy that ends TLS and passes requests on, changed. */
async function startProxy(
  change: (target: string) => string,
  headers: Record<string, string> = {},
  shown = keys(),
): Promise<number> {
  const proxy = createHttpsServer(shown, (incoming, response) => {
    const target = change(incoming.url ?? '/');
    if (target === '') return void response.writeHead(400, { Server: 'a CDN' }).end();
    const onward = requestHttps(
      {
        ...{ host: '127.0.0.1', port: bench.ports.https, servername: 'example.test', rejectUnauthorized: false },
        ...{ path: target, headers: { ...incoming.headers, ...headers }, agent: false },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.end();
  });
  return listen(proxy);
}

describe('something in front of the sidecar', () => {
  beforeEach(async () => void (await bench.start()));

  it.each([
    [
      'merges slashes',
      (target: string) => target.replaceAll('//', '/'),
      /an empty segment \(\/\/\) arrives as \S*\/a\/b/,
    ],
    [
      'decodes',
      (target: string) => target.replaceAll('%2F', '/').replaceAll('%2f', '/'),
      /an encoded slash \(%2F\) arrives as \S*\/a\/b/,
    ],
    [
      'refuses an encoded #',
      (target: string) => (target.includes('%23') ? '' : target),
      /an encoded # \(%23\) is refused with 400 from a CDN/,
    ],
    [
      'writes escapes in capitals',
      (target: string) => target.replaceAll('%2f', '%2F'),
      /lower case \(%2f\) arrives as/,
    ],
  ])('that %s is found out', async (_, change, words) => {
    const options = { connectTo: [`example.test:443::${await startProxy(change)}`] };
    const [, row] = await bench.rows(/^(reach|path):example/, options);
    expect(row?.findings.map(({ id }) => id)).toEqual(['path-rewritten']);
    expect(row?.findings[0]?.what).toMatch(words);
  });

  it('that only adds headers is named', async () => {
    const port = await startProxy((target) => target, { via: '1.1 somebody' });
    expect(await diagnose({ connectTo: [`example.test:443::${port}`] })).toEqual([
      'path:example.test:443 info proxy-in-front',
    ]);
  });
});

describe('the federation report', () => {
  it('blames the DNS server that was named for what it refuses, and not the zone', async () => {
    const { federation } = bench.ports;
    bench.configure(usualServers(bench.ports).replace(':443', ''));
    await bench.start();
    const refusing = await startDnsServer((name, type) =>
      type === 'SRV' ? 'REFUSED' : (bench.zone.get(name) ?? []).filter(([kind]) => kind === type),
    );
    const options = { dns: refusing.address, connectTo: [`:8448::${federation}`] };
    const report = (await bench.rows(/^(reach|federation):/, options)).at(-1);
    await refusing.close();
    expect(report?.findings.map(({ id, severity }) => [id, severity])).toEqual([['srv-lookup-failed', 'warning']]);
    expect(report?.findings[0]?.what).toContain(`The DNS server ${refusing.address} refuses the name`);
    expect(report?.findings[0]?.fix).toMatch(/ask a DNS server that answers for it \(--dns\)\.$/);
  });

  it('knows that there is an authority of one’s own, and says that it is not the issuer', async () => {
    const root = makeCertificate({ commonName: 'Another Root', ca: true });
    const leaf = makeEcCertificate(['matrix.example.test'], root);
    await bench.start();
    const port = await startProxy((target) => target, {}, { cert: leaf.certPem, key: leaf.keyPem });
    const options = { connectTo: [`matrix.example.test:443::${port}`] };
    const report = (await bench.rows(/^(reach|federation):/, options)).at(-1);
    expect(report?.findings.map(({ id }) => id)).toEqual(['tls-chain-incomplete']);
    expect(report?.findings[0]?.fix).toContain('(--ca-file), since none that was given is the issuer');
  });
});

describe('a web site that has the server name', () => {
  const COPY = { 'm.server': 'matrix.example.test:443' };
  const CLIENT = { 'm.homeserver': { base_url: 'https://matrix.example.test' } };
  const CORS = { 'Access-Control-Allow-Origin': '*' };
  const root = makeCertificate({ commonName: 'Test Root', ca: true });
  const leaf = makeEcCertificate(['example.test'], root);

  /** Answers at https://example.test, and what doctor then says of it. */
  async function publish(pages: Record<string, { status?: number; headers?: Record<string, string>; body: string }>) {
    bench.configure(`${usualServers(bench.ports)}    apex: elsewhere\n`);
    await bench.start();
    const port = await listen(
      createHttpsServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
        const page = pages[request.url ?? ''] ?? { status: 404, body: '' };
        response.writeHead(page.status ?? 200, page.headers).end(page.body);
      }),
    );
    const caFile = bench.write('root.pem', root.certPem);
    return bench.diagnose(/^apex:/, { connectTo: [`example.test:443::${port}`], caFile });
  }
  const server = '/.well-known/matrix/server';
  const client = '/.well-known/matrix/client';
  const good = { [server]: { body: json(COPY) }, [client]: { headers: CORS, body: json(CLIENT) } };

  it.each([
    ['with both copies', good, []],
    [
      'with redirects to them',
      { ...good, [server]: { status: 308, headers: { Location: '/here' }, body: '' }, '/here': { body: json(COPY) } },
      [],
    ],
    ['without a copy', { [client]: good[client]! }, ['apex:example.test error apex-copy-missing']],
    [
      'with a copy that is no JSON',
      { ...good, [server]: { body: '<html>' } },
      ['apex:example.test error apex-copy-missing'],
    ],
    [
      'with a stale copy',
      { ...good, [server]: { body: json({ 'm.server': 'old.example.test:8448' }) } },
      ['apex:example.test error apex-copy-differs'],
    ],
    [
      'with a stale copy for clients',
      { ...good, [client]: { headers: CORS, body: json({ ...CLIENT, 'org.matrix.msc4143.rtc_foci': [] }) } },
      ['apex:example.test warning apex-copy-differs'],
    ],
    ['without CORS', { ...good, [client]: { body: json(CLIENT) } }, ['apex:example.test warning apex-copy-no-cors']],
    [
      'with redirects in a circle',
      { ...good, [server]: { status: 302, headers: { Location: server }, body: '' } },
      ['apex:example.test error apex-copy-missing'],
    ],
  ])('%s', async (_, pages, expected) => {
    expect(await publish(pages as never)).toEqual(expected);
  });
});
