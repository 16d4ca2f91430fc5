import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';

let several: TestSidecar;

/** No homeserver is there: nothing listens on port 1. */
beforeAll(async () => {
  several = await startTestSidecar(`servers:
  - { server_name: a.test, homeserver: "http://127.0.0.1:1" }
  - { server_name: b.test, homeserver: "http://127.0.0.1:2" }
limits: { body: 64KiB, hold: 0s }`);
});
afterAll(() => several?.close());

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

interface Wish {
  readonly on?: 'https' | 'federation';
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function overHttp1(
  path: string,
  { on = 'https', method = 'GET', host = 'a.test', headers, body }: Wish,
): Promise<Reply> {
  const answer = await ask(several, path, { on, method, headers: { host, ...headers }, ...(body && { body }) });
  return { status: answer.status, headers: answer.headers, body: answer.body.toString() };
}

async function overHttp2(
  path: string,
  { on = 'https', method = 'GET', host = 'a.test', headers, body }: Wish,
): Promise<Reply> {
  const session = openHttp2(several, on);
  const sent = { ':method': method, ':path': path, ':authority': host, ...headers };
  const answer = await askHttp2(session, sent, body);
  session.close();
  return { status: answer.status, headers: answer.headers, body: answer.body.toString() };
}

const WAYS = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const;

const CLIENT = '/_matrix/client/v3/sync';

describe.each(WAYS)('over %s', (_version, send) => {
  it.each<[string, string, Wish, number, string]>([
    ['a homeserver that is down', CLIENT, {}, 502, 'M_UNKNOWN'],
    [
      'a homeserver that is down, for federation',
      '/_matrix/federation/v1/version',
      { on: 'federation' },
      502,
      'M_UNKNOWN',
    ],
    ['a path that is not of Matrix', '/nonsense', {}, 404, 'M_UNRECOGNIZED'],
    ['an internal path', '/_synapse/metrics', {}, 404, 'M_UNRECOGNIZED'],
    ['the closed admin API', '/_synapse/admin/v1/users', {}, 403, 'M_FORBIDDEN'],
    ['a client path on the federation port', CLIENT, { on: 'federation' }, 404, 'M_UNRECOGNIZED'],
    ['an unknown host', CLIENT, { host: 'stranger.test' }, 421, 'M_UNRECOGNIZED'],
    ['an unknown document', '/.well-known/matrix/nonsense', {}, 404, 'M_NOT_FOUND'],
    ['a document that cannot be written', '/.well-known/matrix/client', { method: 'PUT' }, 405, 'M_UNRECOGNIZED'],
    ['TRACE', CLIENT, { method: 'TRACE' }, 405, 'M_UNRECOGNIZED'],
    [
      'a body that is too large',
      '/_matrix/client/v3/x',
      { method: 'POST', headers: { 'content-length': '70000' }, body: 'x'.repeat(70_000) },
      413,
      'M_TOO_LARGE',
    ],
  ])('%s', async (_name, path, wish, status, errcode) => {
    const { headers, ...answer } = await send(path, wish);
    expect(answer.status).toBe(status);
    const body = JSON.parse(answer.body) as Record<string, unknown>;
    expect(Object.keys(body).toSorted()).toEqual(['errcode', 'error']);
    expect(body['errcode']).toBe(errcode);
    expect(body['error']).toMatch(/^[A-Z].{5,}/);
    expect(headers['content-type']).toBe('application/json');
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-allow-methods']).toContain('PUT');
    expect(headers['access-control-allow-headers']).toContain('Authorization');
    expect(headers['cache-control']).toBe('no-store');
    expect(Math.abs(Date.parse(String(headers['date'])) - Date.now())).toBeLessThan(60_000);
    if (status === 405) expect(String(headers['allow'])).toContain('GET');
    if (status === 502) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    // Where the homeserver is in the private network is nobody's business.
    expect(answer.body).not.toMatch(/127\.0\.0\.1|ECONN/);
  });

  it.each([
    ['https', CLIENT],
    ['https', '/_matrix/client/v3/login'],
    ['https', '/_matrix/media/v3/upload'],
    ['https', '/_synapse/client/x'],
    ['https', '/_matrix/client/v1/media/download/a/b?x=y'],
    ['federation', '/_matrix/federation/v1/version'],
  ] as const)('a preflight on the %s port for %s is answered with the homeserver down', async (on, path) => {
    const { status, headers, body } = await send(path, {
      on,
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.element.io',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect([status, body, headers['content-length']]).toEqual([204, '', undefined]);
    expect(headers['access-control-allow-origin']).toBe('*');
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect(headers['access-control-allow-methods']).toContain(method);
    for (const name of ['X-Requested-With', 'Content-Type', 'Authorization', 'Date'])
      expect(headers['access-control-allow-headers']).toContain(name);
    expect(Number(headers['access-control-max-age'])).toBeGreaterThan(0);
  });

  it('the rendezvous endpoint has permissions of its own', async () => {
    const path = '/_matrix/client/unstable/org.matrix.msc4108/rendezvous';
    const { status, headers } = await send(path, { method: 'OPTIONS' });
    expect(status).toBe(204);
    expect(headers['access-control-allow-headers']).toContain('If-None-Match');
    expect(headers['access-control-expose-headers']).toContain('ETag');
  });

  it('HEAD gets the headers of the error, and no body', async () => {
    const { status, headers, body } = await send(CLIENT, { method: 'HEAD' });
    expect([status, body]).toEqual([502, '']);
    expect(Number(headers['content-length'])).toBeGreaterThan(20);
  });
});
