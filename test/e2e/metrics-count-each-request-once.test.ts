import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    response.statusCode = Number(request.headers['x-status'] ?? 200);
    response.end('{}');
  });
  sidecar = await startTestSidecar(`servers:
  - { server_name: a.test, homeserver: "${upstream.url}", delegate_to: "m.a.test:443" }
  - { server_name: gone.test, homeserver: "http://127.0.0.1:1" }
routes: { blocked_servers: ["evil.test"], admin_api_from: ["127.0.0.0/8"] }`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

async function scrape(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${sidecar.admin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('matrix_sidecar_'));
  return new Map(
    lines.map((line) => [line.slice(15, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

/** By how much each series has grown while `act` was under way; those of the scrapes themselves left out. */
async function countDuring(act: () => Promise<unknown>, like: RegExp): Promise<Record<string, number>> {
  const before = await scrape();
  await act();
  const grown = new Map<string, number>();
  await until('it is counted', async () => {
    for (const [series, value] of await scrape()) {
      const more = value - (before.get(series) ?? 0);
      if (more > 0 && like.test(series) && !series.includes('"admin"')) grown.set(series, more);
    }
    return grown.size > 0;
  });
  return Object.fromEntries(grown);
}

const from = (origin: string) => ({ authorization: `X-Matrix origin="${origin}",key="ed25519:1",sig="x"` });

it.each<[string, string, Record<string, string>, Record<string, string>]>([
  ['/_matrix/client/versions', 'a.test', {}, { surface: 'client', status: '200', blame: 'nobody' }],
  ['/_matrix/client/v3/sync', 'a.test', {}, { surface: 'long-poll', status: '200', blame: 'nobody' }],
  ['/_matrix/client/v3/x', 'a.test', { 'x-status': '429' }, { surface: 'client', status: '429', blame: 'client' }],
  ['/_matrix/media/v3/x', 'a.test', { 'x-status': '500' }, { surface: 'media', status: '500', blame: 'upstream' }],
  ['/_matrix/federation/v1/x', 'a.test', from('b.test'), { surface: 'federation', status: '200', blame: 'nobody' }],
  ['/.well-known/matrix/server', 'a.test', {}, { surface: 'well-known', status: '200', blame: 'nobody' }],
  ['/_synapse/admin/v1/x', 'gone.test', {}, { surface: 'synapse-admin', status: '502', blame: 'upstream' }],
  ['/favicon.ico', 'a.test', {}, { surface: 'refused', status: '404', blame: 'client' }],
  ['/_matrix/federation/v1/x', 'a.test', from('evil.test'), { surface: 'refused', status: '403', blame: 'client' }],
])('%s of %s is counted with %j as %j, with its duration', async (path, host, headers, labels) => {
  const grown = await countDuring(
    () => ask(sidecar, path, { headers: { host, ...headers } }),
    /^requests_total|_duration_seconds_count/,
  );
  const { surface, status, blame } = labels;
  expect(grown).toEqual({
    [`requests_total{surface="${surface}",status="${status}",blame="${blame}"}`]: 1,
    [`request_duration_seconds_count{surface="${surface}"}`]: 1,
  });
});

it('what is refused at the edge is counted by why', async () => {
  const refused = (why: string): Record<string, number> => ({ [`requests_refused_total{why="${why}"}`]: 1 });
  const count = (path: string, more: object) => countDuring(() => ask(sidecar, path, more), /^requests_refused/);
  const blocked = { headers: { host: 'a.test', ...from('evil.test') } };
  expect(await count('/_matrix/federation/v1/x', blocked)).toEqual(refused('blocked-server'));
  expect(await count('/_matrix/client/versions', { headers: { host: 'c.test' } })).toEqual(refused('misdirected'));
  expect(await count('/_synapse/metrics', { headers: { host: 'a.test' } })).toEqual(refused('internal'));
});

it('servers that ask are told by name, once the homeserver has answered them', async () => {
  await ask(sidecar, '/_matrix/federation/v1/x', { headers: { host: 'a.test', ...from('Busy.test') } });
  await ask(sidecar, '/_matrix/federation/v1/x', {
    headers: { host: 'a.test', ...from('liar.test'), 'x-status': '401' },
  });
  await until('they are counted', async () => (await scrape()).get('origin_requests{origin="busy.test"}') === 1);
  expect([...(await scrape()).keys()].join()).not.toContain('liar.test');
});

it('handshakes are counted as full and resumed, and failures by their cause', async () => {
  const visit = (options: object): Promise<Buffer | undefined> =>
    new Promise((resolve) => {
      const socket = connectTls({ port: sidecar.https, host: '127.0.0.1', servername: 'a.test', ...options });
      let session: Buffer | undefined;
      socket.on('session', (ticket) => {
        session = ticket;
        socket.end();
      });
      socket.on('error', () => socket.destroy());
      socket.on('secureConnect', () => {
        if (socket.isSessionReused()) socket.end();
      });
      socket.on('close', () => resolve(session));
    });
  const knock = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(sidecar.https, '127.0.0.1', () => (text === '' ? socket.end() : socket.write(text)));
      socket.on('data', () => socket.destroy());
      socket.on('error', () => {});
      socket.on('close', () => resolve());
    });
  const count = (act: () => Promise<unknown>) => countDuring(act, /^tls_handshake/);
  const done = (kind: string) => ({ [`tls_handshakes_total{listener="https",kind="${kind}"}`]: 1 });
  const failed = (cause: string) => ({ [`tls_handshake_failures_total{listener="https",cause="${cause}"}`]: 1 });
  let session: Buffer | undefined;
  expect(
    await count(async () => {
      session = await visit({ ca: sidecar.ca });
    }),
  ).toEqual(done('full'));
  expect(await count(() => visit({ ca: sidecar.ca, session }))).toEqual(done('resumed'));
  const old = { ca: sidecar.ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' };
  expect(await count(() => visit(old))).toEqual(failed('no-common-version'));
  expect(await count(() => knock('GET / HTTP/1.1\r\n\r\n'))).toEqual(failed('plain-http'));
  expect(await count(() => knock('SSH-2.0-scan\r\n\r\n'))).toEqual(failed('not-tls'));
  expect(await count(() => knock(''))).toEqual(failed('left'));
});

it('a scrape tells of the process by the usual names', async () => {
  const text = await (await fetch(`http://127.0.0.1:${sidecar.admin}/metrics`)).text();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_open_fds',
    'process_start_time_seconds',
    'nodejs_eventloop_lag_p99_seconds',
  ])
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
});

it('each instance of an upstream is shown as up or not', async () => {
  const up = [...(await scrape())].filter(([series]) => series.startsWith('upstream_instance_up'));
  expect(up.map(([series]) => /place="([^"]*)"/.exec(series)?.[1]).toSorted()).toEqual(
    [upstream.url, 'http://127.0.0.1:1'].toSorted(),
  );
});
