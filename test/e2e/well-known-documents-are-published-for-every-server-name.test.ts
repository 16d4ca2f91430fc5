import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';

let sidecar: TestSidecar;

/** No homeserver is there at all: nothing listens on port 1. */
beforeAll(async () => {
  sidecar = await startTestSidecar(`servers:
  - server_name: a.test
    homeserver: http://127.0.0.1:1
    delegate_to: matrix.a.test:443
    well_known:
      client: { m.identity_server: { base_url: https://vector.im } }
      support: { contacts: [ { role: m.role.admin, email_address: admin@a.test } ] }
      element.json: { setting: [1, 2] }
  - server_name: b.test
    homeserver: http://127.0.0.1:2
  - server_name: c.test
    homeserver: http://127.0.0.1:3
    delegate_to: shared.test
    delegate_by: srv
  - server_name: d.test
    homeserver: http://127.0.0.1:4
    well_known: { client: { m.homeserver: { base_url: https://elsewhere.d.test } } }
`);
});
afterAll(() => sidecar?.close());

interface Reply {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

type Version = 'HTTP/1.1' | 'HTTP/2';

async function get(version: Version, host: string, name: string, more: { method?: string; headers?: object } = {}) {
  const { method = 'GET', headers = {} } = more;
  const path = `/.well-known/matrix/${name}`;
  if (version === 'HTTP/1.1') {
    const answer = await ask(sidecar, path, { method, headers: { host, ...headers } });
    const reply: Reply = {
      status: answer.status,
      header: (name) => answer.headers[name]?.toString(),
      body: answer.body.toString(),
    };
    return reply;
  }
  const session = openHttp2(sidecar);
  const answer = await askHttp2(session, { ':method': method, ':path': path, ':authority': host, ...headers });
  session.close();
  const reply: Reply = {
    status: answer.status,
    header: (name) => answer.headers[name]?.toString(),
    body: answer.body.toString(),
  };
  return reply;
}

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('over %s', (version) => {
  it.each([
    ['a.test', 'server', { 'm.server': 'matrix.a.test:443' }],
    ['A.Test', 'server', { 'm.server': 'matrix.a.test:443' }],
    ['a.test:443', 'server', { 'm.server': 'matrix.a.test:443' }],
    ['a.test:8448', 'server', { 'm.server': 'matrix.a.test:443' }],
    ['matrix.a.test', 'server', { 'm.server': 'matrix.a.test:443' }],
    ['a.test', 'server?a=b', { 'm.server': 'matrix.a.test:443' }],
    [
      'a.test',
      'client',
      { 'm.homeserver': { base_url: 'https://matrix.a.test' }, 'm.identity_server': { base_url: 'https://vector.im' } },
    ],
    ['a.test', 'support', { contacts: [{ role: 'm.role.admin', email_address: 'admin@a.test' }] }],
    ['a.test', 'element.json', { setting: [1, 2] }],
    ['b.test', 'client', { 'm.homeserver': { base_url: 'https://b.test' } }],
    ['c.test', 'client', { 'm.homeserver': { base_url: 'https://shared.test' } }],
    ['shared.test', 'client', { 'm.homeserver': { base_url: 'https://shared.test' } }],
    ['d.test', 'client', { 'm.homeserver': { base_url: 'https://elsewhere.d.test' } }],
  ])('%s publishes %s', async (host, name, document) => {
    const { status, header, body } = await get(version, host, name);
    expect([status, JSON.parse(body)]).toEqual([200, document]);
    expect(header('content-type')).toBe('application/json');
    expect(header('content-length')).toBe(String(body.length));
    expect(header('access-control-allow-origin')).toBe('*');
    expect(header('access-control-allow-methods')).toContain('GET');
    expect(header('cache-control')).toBe('public, max-age=3600');
    expect(header('etag')).toMatch(/^"[A-Za-z0-9_-]+"$/);
    // Without it, caches cannot tell how old an answer is (RFC 9110 section 6.6.1).
    expect(Math.abs(Date.parse(header('date') ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ['b.test', 'server', 'nothing is delegated'],
    ['c.test', 'server', 'the delegation is by SRV'],
    ['b.test', 'support', 'none was written'],
    ['a.test', 'nonsense', 'there is no such thing'],
    ['a.test', '', 'it has no name'],
    ['a.test', 'server/', 'it has another name'],
    ['a.test', 'Server', 'it has another name'],
    ['a.test', 'constructor', 'members of objects are no documents'],
  ])('%s has no document %j: %s', async (host, name) => {
    const { status, header, body } = await get(version, host, name);
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect([header('access-control-allow-origin'), header('content-type')]).toEqual(['*', 'application/json']);
    expect(header('cache-control')).toBe('no-store');
  });

  it('answers 304 to a client that has it, and the document to one that has another', async () => {
    const { header } = await get(version, 'a.test', 'client');
    const etag = header('etag')!;
    const conditional = (tag: string) => get(version, 'a.test', 'client', { headers: { 'if-none-match': tag } });
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const known = await conditional(tag);
      expect([tag, known.status, known.body, known.header('etag')]).toEqual([tag, 304, '', etag]);
      expect(known.header('cache-control')).toBe('public, max-age=3600');
    }
    for (const tag of ['"x"', etag.slice(1, -1), `${etag.slice(0, -1)}x"`]) {
      expect([tag, (await conditional(tag)).status]).toEqual([tag, 200]);
    }
    // Different documents have different tags.
    expect((await get(version, 'b.test', 'client')).header('etag')).not.toBe(etag);
  });

  it('HEAD has the headers of GET, and no body', async () => {
    const [whole, head] = [
      await get(version, 'a.test', 'server'),
      await get(version, 'a.test', 'server', { method: 'HEAD' }),
    ];
    expect([head.status, head.body]).toEqual([200, '']);
    for (const name of ['content-type', 'content-length', 'etag', 'cache-control', 'access-control-allow-origin'])
      expect(head.header(name)).toBe(whole.header(name));
  });

  it('OPTIONS is a preflight, for documents that there are and others', async () => {
    for (const name of ['client', 'server', 'support', 'nonsense']) {
      const { status, header, body } = await get(version, 'a.test', name, {
        method: 'OPTIONS',
        headers: { origin: 'https://app.element.io', 'access-control-request-method': 'GET' },
      });
      expect([name, status, body, header('content-length')]).toEqual([name, 204, '', undefined]);
      expect(header('access-control-allow-origin')).toBe('*');
      expect(header('access-control-allow-methods')).toContain('GET');
      expect(header('access-control-allow-headers')).toContain('Authorization');
    }
  });

  it.each(['PUT', 'POST', 'DELETE'])('%s changes nothing and is told what is allowed', async (method) => {
    const { status, header, body } = await get(version, 'a.test', 'server', { method });
    expect([status, header('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(JSON.parse(body)).toMatchObject({ errcode: 'M_UNRECOGNIZED' });
  });

  it('a host that is not served gets 421', async () => {
    expect((await get(version, 'stranger.test', 'server')).status).toBe(421);
  });
});

it('nothing of it is a redirect', async () => {
  for (const name of ['server', 'client', 'support', 'nonsense']) {
    for (const host of ['a.test', 'b.test', 'c.test', 'd.test', 'stranger.test']) {
      const { status } = await get('HTTP/1.1', host, name);
      expect(status < 300 || status >= 400).toBe(true);
    }
  }
});

it('is not on the federation port, where nobody looks for it', async () => {
  const answer = await ask(sidecar, '/.well-known/matrix/server', { on: 'federation', headers: { host: 'a.test' } });
  expect([answer.status, answer.json()['errcode']]).toEqual([404, 'M_UNRECOGNIZED']);
});

it('changes with the configuration', async () => {
  const one = await startTestSidecar('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]');
  const read = async () =>
    (await ask(one, '/.well-known/matrix/server', { headers: { host: 'whatever.test' } })).status;
  expect(await read()).toBe(404);
  await one.reload('servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1", delegate_to: m.a.test }]');
  expect(await read()).toBe(200);
  await one.close();
});
