import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askHttp2, openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
const arrived: (string | string[] | undefined)[] = [];
const sidecars: TestSidecar[] = [];

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    arrived.push(`${request.url} from ${request.headers['x-forwarded-for']}`);
    response.end('{}');
  });
});
afterAll(async () => {
  for (const sidecar of sidecars) await sidecar.close();
  await upstream?.close();
});

async function start(routes: string): Promise<TestSidecar> {
  const yaml = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nroutes: { ${routes} }`;
  const sidecar = await startTestSidecar(yaml);
  sidecars.push(sidecar);
  return sidecar;
}

const ADMIN = '/_synapse/admin/v1/server_version';

async function statusOver(sidecar: TestSidecar, forwardedFor?: string, on: 'https' | 'federation' = 'https') {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  const first = await ask(sidecar, ADMIN, { on, headers: { host: 'a.test', ...headers } });
  const session = openHttp2(sidecar, on);
  const second = await askHttp2(session, { ':path': ADMIN, ':authority': 'a.test', ...headers });
  session.close();
  expect(second.status).toBe(first.status);
  return first.status;
}

describe('closed', () => {
  it('to everybody where no network is configured: 403, and the homeserver hears nothing', async () => {
    const sidecar = await start('');
    arrived.length = 0;
    expect(await statusOver(sidecar)).toBe(403);
    const answer = await ask(sidecar, ADMIN);
    expect(answer.json()).toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(arrived).toEqual([]);
  });

  it('to clients that are in none of the networks, whatever they claim', async () => {
    const sidecar = await start('admin_api_from: [192.0.2.0/24, "2001:db8::/32"]');
    arrived.length = 0;
    for (const claim of [undefined, '192.0.2.1', '2001:db8::1', '127.0.0.1, 192.0.2.1', '192.0.2.1, 192.0.2.2'])
      expect([claim, await statusOver(sidecar, claim)]).toEqual([claim, 403]);
    expect(arrived).toEqual([]);
  });

  it('by whatever way a path could be written, where the homeserver would take it for the admin API', async () => {
    const sidecar = await start('');
    arrived.length = 0;
    const targets = [
      '/_synapse/client/../admin/v1/users',
      '/_synapse/client/%2e%2e/admin/v1/users',
      '/_synapse/./admin/v1/users',
      '/_synapse/%2e/admin/v1/users',
      '/_matrix/..%2f_synapse/admin/v1/users',
      '/_matrix/client/../../_synapse/admin/v1/users',
    ];
    for (const target of targets) {
      const answer = await ask(sidecar, target);
      expect([target, answer.status >= 400]).toEqual([target, true]);
    }
    expect(arrived).toEqual([]);
  });
});

describe('open', () => {
  it('to the networks that are configured', async () => {
    const sidecar = await start('admin_api_from: [127.0.0.0/8]');
    arrived.length = 0;
    expect(await statusOver(sidecar)).toBe(200);
    expect(arrived).toEqual([`${ADMIN} from 127.0.0.1`, `${ADMIN} from 127.0.0.1`]);
  });

  it('never on the federation port, unless that serves everything', async () => {
    const narrow = await start('admin_api_from: [127.0.0.1]');
    expect(await statusOver(narrow, undefined, 'federation')).toBe(404);
    const wide = await start('admin_api_from: [127.0.0.1], federation_port: all');
    expect(await statusOver(wide, undefined, 'federation')).toBe(200);
  });
});

describe('through a trusted proxy', () => {
  it('it is the client that counts, as the proxy names it', async () => {
    const sidecar = await start('admin_api_from: [192.0.2.0/24], trusted_proxies: [127.0.0.1, 10.0.0.0/8]');
    arrived.length = 0;
    const status = (claim: string | undefined) => statusOver(sidecar, claim);
    expect(await status('192.0.2.1')).toBe(200);
    expect(await status('192.0.2.1, 10.0.0.7')).toBe(200);
    // Everything left of the last address that no trusted proxy vouches for is the client's own word.
    expect(await status('192.0.2.1, 198.51.100.1')).toBe(403);
    expect(await status('192.0.2.1, nonsense')).toBe(403);
    expect(await status('198.51.100.1')).toBe(403);
    expect(await status(undefined)).toBe(403);
    expect(arrived).toEqual(Array(4).fill(`${ADMIN} from 192.0.2.1`));
  });

  it('and not the proxy: its own network opens nothing to those behind it', async () => {
    const sidecar = await start('admin_api_from: [127.0.0.0/8], trusted_proxies: [127.0.0.1]');
    expect(await statusOver(sidecar, '198.51.100.1')).toBe(403);
  });
});
