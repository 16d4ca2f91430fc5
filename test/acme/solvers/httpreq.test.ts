import { afterEach, describe, expect, it } from 'vitest';
import { createHttpreqProvider, type HttpreqSlice } from '../../../src/acme/solvers/httpreq.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { type ScriptedAnswer, type ScriptedApi, startApi } from './scripted-api.ts';

const task = makeTask('dns-01', 'example.com', { wildcard: true });
const record = { name: '_acme-challenge.example.com', value: 'gfj9Xq', task };

let api: ScriptedApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

async function start(answer: ScriptedAnswer, slice: Partial<HttpreqSlice> = {}, path = '/dns') {
  api = await startApi(() => answer);
  return createHttpreqProvider({ endpoint: `${api.url}${path}`, mode: 'default', ...slice }, { call: api.call });
}

describe('a web service as lego calls it', () => {
  it('is given the record', async () => {
    const provider = await start({ status: 204, body: '' });
    await provider.set(record, NEVER);
    await provider.unset(record);
    const body = { fqdn: '_acme-challenge.example.com.', value: 'gfj9Xq' };
    expect(api!.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/dns/present', body],
      ['POST', '/dns/cleanup', body],
    ]);
    expect(api!.seen[0]!.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(api!.seen[0]!.headers.authorization).toBeUndefined();
  });

  it('is given the challenge itself in raw mode, with its own credentials', async () => {
    const login = { username: 'us', password: 'pä:ss' };
    const provider = await start({}, { mode: 'raw', login }, '///');
    await provider.set(record, NEVER);
    expect(api!.seen[0]).toMatchObject({
      path: '/present',
      body: { domain: 'example.com', token: task.token, keyAuth: task.keyAuthorization },
    });
    const authorization = `Basic ${Buffer.from('us:pä:ss').toString('base64')}`;
    expect(api!.seen[0]!.headers.authorization).toBe(authorization);
  });

  it.each([
    [{ status: 500, body: 'no such\nzone' }, 'httpreq: it answered 500: no such zone.', 'remote'],
    [{ status: 401 }, 'httpreq: it answered 401: {}.', 'operator'],
    [{ status: 302, headers: { location: '/' }, body: '' }, 'httpreq: it answered 302.', 'remote'],
  ] as const)('that refuses is quoted: %j', async (answer, message, blame) => {
    const provider = await start(answer);
    expect(await failureOf(provider.set(record, NEVER))).toMatchObject({ code: 'dns-provider', message, blame });
    expect(await failureOf(provider.unset(record))).toMatchObject({ message });
  });
});
