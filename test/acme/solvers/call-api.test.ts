import { afterEach, describe, expect, it } from 'vitest';
import { createApiCaller } from '../../../src/acme/solvers/call-api.ts';
import { realSystem } from '../../../src/base/system.ts';
import { failureOf } from './challenge-task.ts';
import { type ScriptedAnswer, type ScriptedApi, startApi } from './scripted-api.ts';

let api: ScriptedApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
async function start(answer: ScriptedAnswer, timeout?: number): Promise<ScriptedApi> {
  api = await startApi(() => answer, timeout === undefined ? {} : { timeout });
  return api;
}

describe('a call of a provider\u2019s interface', () => {
  it('gives status, text and Retry-After of any answer', async () => {
    const { call, url } = await start({ status: 429, headers: { 'retry-after': '120' }, body: { a: 'ü' } });
    expect(await call({ method: 'GET', url })).toEqual({ status: 429, text: '{"a":"ü"}', retryAfter: 120 });
  });

  it('sends JSON', async () => {
    const { call, url, seen } = await start({});
    await call({ method: 'POST', url: `${url}/x?y=1`, headers: { 'x-a': 'b' }, body: { c: 'd' } });
    await call({ method: 'DELETE', url });
    expect(seen[0]).toMatchObject({ method: 'POST', path: '/x?y=1', body: { c: 'd' } });
    expect(seen[0]!.headers).toMatchObject({ 'content-type': 'application/json', 'x-a': 'b' });
    expect(seen[1]).toMatchObject({ method: 'DELETE', body: undefined });
  });

  it('takes its credentials nowhere else', async () => {
    const { call, url, seen } = await start({ status: 307, headers: { location: '/elsewhere' } });
    expect((await call({ method: 'GET', url })).status).toBe(307);
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['that cuts the connection', 'cut', /no answer from http:\/\/127\.0\.0\.1:\d+: /],
    ['that says nothing', 'silence', /no answer within 0\.2 s/],
    ['that says too much', { body: 'x'.repeat(1_100_000) }, /more than 1048576 bytes/],
  ] as const)('fails at a server %s', async (_, answer, message) => {
    const { call, url } = await start(answer, answer === 'silence' ? 200 : undefined);
    const failure = await failureOf(call({ method: 'GET', url: `${url}/secret-path` }));
    expect(failure).toMatchObject({ code: 'dns-provider', blame: 'remote', retryAfter: 60 });
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).not.toContain('secret-path');
  });

  it('fails where nobody listens', async () => {
    const { call, url, close } = await start({});
    await close();
    api = undefined;
    expect(await failureOf(call({ method: 'GET', url }))).toMatchObject({ code: 'dns-provider' });
    const caller = createApiCaller({ title: 'test' }, { system: realSystem });
    const failure = await failureOf(caller.call({ method: 'GET', url }));
    expect((failure as Error).message).toMatch(/^test: no answer from http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    await caller.close();
    await caller.close();
  });

  it('ends at once when it is aborted', async () => {
    const { call, url } = await start('silence');
    const abort = new AbortController();
    const failure = failureOf(call({ method: 'GET', url, signal: abort.signal }));
    setTimeout(() => abort.abort(new Error('stopping')), 20);
    expect(await failure).toMatchObject({ message: 'stopping' });
  });
});
