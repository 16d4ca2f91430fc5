import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2, sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const upstreams: TestUpstream[] = [];
let several: TestSidecar;
let single: TestSidecar;
let arrived = 0;

/** A homeserver that says its name, and which Host it was asked for. */
async function startNamed(name: string): Promise<string> {
  const upstream = await startHttpUpstream((request, response) => {
    arrived++;
    const { host, 'x-forwarded-host': forwarded } = request.headers;
    response.end(JSON.stringify({ name, host, forwarded }));
  });
  upstreams.push(upstream);
  return upstream.url;
}

beforeAll(async () => {
  const [a, b, shared, web] = await Promise.all(['a', 'b', 'shared', 'web'].map(startNamed));
  several = await startTestSidecar(`servers:
  - { server_name: a.test, homeserver: "${a}", delegate_to: "matrix.a.test:8448", website: "${web}" }
  - { server_name: b.test, homeserver: "${b}" }
  - { server_name: "[::1]:8448", homeserver: "${shared}" }
  - { server_name: c.test, homeserver: "${shared}", delegate_to: hosting.test }
  - { server_name: hosting.test, homeserver: "${shared}" }
`);
  single = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${a}" }]`);
});
afterAll(async () => {
  await several?.close();
  await single?.close();
  for (const upstream of upstreams) await upstream.close();
});

const PATH = '/_matrix/federation/v1/version';
const path = { ':path': PATH };

describe.each(['https', 'federation'] as const)('by Host, on the %s port', (on) => {
  it.each([
    ['a.test', 'a'],
    ['A.TEST', 'a'],
    ['a.test:443', 'a'],
    ['a.test:8448', 'a'],
    ['a.test:', 'a'],
    ['a.test.', 'a'],
    ['matrix.a.test', 'a'],
    ['matrix.a.test:8448', 'a'],
    ['b.test', 'b'],
    ['[::1]:8448', 'shared'],
    ['[::1]', 'shared'],
    ['c.test', 'shared'],
    ['hosting.test', 'shared'],
  ])('%s leads to %s, with its Host as it was', async (host, name) => {
    const answer = await ask(several, PATH, { on, headers: { host } });
    expect(answer.json()).toEqual({ name, host, forwarded: host });
    const session = openHttp2(several, on);
    const second = await askHttp2(session, { ...path, ':authority': host });
    session.close();
    expect(JSON.parse(second.body.toString())).toEqual({ name, host, forwarded: host });
  });

  it.each(['stranger.test', 'x.a.test', 'a_b.test', 'a.test.stranger.test', '192.0.2.1', '[2001:db8::1]:8448'])(
    '%s is not served: 421, and no homeserver hears of it',
    async (host) => {
      const before = arrived;
      const answer = await ask(several, PATH, { on, headers: { host } });
      expect([answer.status, answer.json()['errcode']]).toEqual([421, 'M_UNRECOGNIZED']);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      const session = openHttp2(several, on);
      expect((await askHttp2(session, { ...path, ':authority': host })).status).toBe(421);
      session.close();
      expect(arrived).toBe(before);
    },
  );
});

describe('by the TLS server name', () => {
  const raw = async (request: string, servername: string): Promise<string> =>
    (await sendRaw(several, request, { servername, checkServerIdentity: () => undefined })).text;
  const withHost = (host: string): string => `GET ${PATH} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

  it('where Host names nobody', async () => {
    expect(await raw(withHost('192.0.2.1:8448'), 'b.test')).toContain('"name":"b"');
    expect(await raw(withHost('load-balancer.test'), 'matrix.a.test')).toContain('"name":"a"');
  });

  it('where there is no Host, as HTTP/1.0 allows', async () => {
    expect(await raw(`GET ${PATH} HTTP/1.0\r\n\r\n`, 'b.test')).toContain('"name":"b"');
  });

  it('not where Host names somebody', async () => {
    expect(await raw(withHost('a.test'), 'b.test')).toContain('"name":"a"');
  });

  it('not where Host is malformed', async () => {
    for (const host of ['a.test/x', 'user@a.test', 'a.test:99999', 'a.test:x', 'a,b.test', '[::1', '']) {
      const text = await raw(withHost(host), 'b.test');
      expect([host, text.slice(0, 12)]).toEqual([host, 'HTTP/1.1 400']);
    }
  });

  it('and where neither is known: 421', async () => {
    expect(await raw(withHost('stranger.test'), 'stranger.test')).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n/);
  });
});

it('with one homeserver it is that one, whatever the Host', async () => {
  for (const host of ['a.test', 'stranger.test', 'my_sidecar:8448', '192.0.2.1:8448', '[2001:db8::1]']) {
    expect((await ask(single, PATH, { headers: { host } })).json()).toMatchObject({ name: 'a', host });
  }
});

describe('the website', () => {
  it.each(['/', '/index.html?x=1', '/_matrixfoo', '/.well-known/other', '/.well-known/matrix'])(
    'gets %s of its own server name',
    async (target) => {
      const answer = await ask(several, target, { headers: { host: 'a.test' } });
      expect(answer.json()).toMatchObject({ name: 'web', host: 'a.test' });
    },
  );

  it('gets nothing of Matrix, nothing of other servers, and nothing from the federation port', async () => {
    const where = async (host: string, target: string, on: 'https' | 'federation' = 'https') => {
      const answer = await ask(several, target, { on, headers: { host } });
      return [answer.status, answer.json()['name'] ?? answer.json()['errcode']];
    };
    expect(await where('a.test', PATH)).toEqual([200, 'a']);
    expect(await where('a.test', '/_synapse/metrics')).toEqual([404, 'M_UNRECOGNIZED']);
    expect(await where('a.test', '/.well-known/matrix/nonsense')).toEqual([404, 'M_NOT_FOUND']);
    expect(await where('b.test', '/')).toEqual([404, 'M_UNRECOGNIZED']);
    expect(await where('a.test', '/', 'federation')).toEqual([404, 'M_UNRECOGNIZED']);
  });
});
