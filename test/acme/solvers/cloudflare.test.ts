import { afterEach, describe, expect, it } from 'vitest';
import { createCloudflareProvider } from '../../../src/acme/solvers/cloudflare.ts';
import type { DnsProvider } from '../../../src/acme/solvers/dns-provider.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { type ScriptedAnswer, type ScriptedApi, type SeenRequest, startApi } from './scripted-api.ts';

const NAME = '_acme-challenge.a.b.example.co.uk';
const record = { name: NAME, value: 'gfj9Xq', task: makeTask('dns-01', 'a.b.example.co.uk') };
const ok = (result: unknown): ScriptedAnswer => ({ body: { success: true, errors: [], result } });
const no = (status: number, code: number, message: string): ScriptedAnswer => ({
  status,
  body: { success: false, errors: [{ code, message }], result: null },
});

interface Stored {
  readonly id: string;
  readonly name: string;
  readonly content: string;
  readonly ttl: number;
}

let api: ScriptedApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

/** A Cloudflare with the zones given, that keeps records as the real one does; `first` may answer before it. */
async function start(
  zones: readonly string[],
  first: (request: SeenRequest) => ScriptedAnswer | undefined = () => undefined,
): Promise<{ provider: DnsProvider; records: Map<string, Stored>; api: ScriptedApi }> {
  const records = new Map<string, Stored>();
  let ids = 0;
  const started = await startApi((request) => {
    const early = first(request);
    if (early !== undefined) return early;
    const url = new URL(request.path, 'http://api');
    if (request.headers.authorization !== 'Bearer the-token') return no(403, 9109, 'Invalid access token');
    if (url.pathname === '/v4/zones')
      return ok(
        zones.filter((zone) => zone === url.searchParams.get('name')).map((name) => ({ id: `id of ${name}`, name })),
      );
    const [, zone, id] = /^\/v4\/zones\/([^/]+)\/dns_records(?:\/(.+))?$/.exec(url.pathname)!;
    if (!zones.includes(decodeURIComponent(zone!).slice(6))) return no(404, 7003, 'Could not route');
    if (request.method === 'POST') {
      const body = request.body as Stored;
      const same = [...records.values()].some(({ name, content }) => name === body.name && content === body.content);
      if (same) return no(400, 81058, 'An identical record already exists.');
      ids++;
      records.set(`r${ids}`, { ...body, id: `r${ids}` });
      return ok({ id: `r${ids}` });
    }
    if (request.method === 'DELETE') return records.delete(id!) ? ok({ id }) : no(404, 81044, 'Record does not exist.');
    return ok([...records.values()].filter(({ name }) => name === url.searchParams.get('name')));
  });
  api = started;
  const provider = createCloudflareProvider(
    { token: 'the-token', baseUrl: `${started.url}/v4/` },
    { call: started.call },
  );
  return { provider, records, api: started };
}

describe('a zone at Cloudflare', () => {
  it('gets a record beside those that are there, and loses only that one', async () => {
    const { provider, records } = await start(['example.co.uk', 'co.uk']);
    await provider.set({ ...record, value: 'other' }, NEVER);
    await provider.set(record, NEVER);
    expect([...records.values()]).toEqual([
      { id: 'r1', type: 'TXT', name: NAME, content: '"other"', ttl: 60 },
      { id: 'r2', type: 'TXT', name: NAME, content: '"gfj9Xq"', ttl: 60 },
    ]);
    await provider.unset(record);
    expect([...records.keys()]).toEqual(['r1']);
    await provider.unset(record);
    expect([...records.keys()]).toEqual(['r1']);
  });

  it('is found by the longest name that the record ends with', async () => {
    const { provider, api } = await start(['example.co.uk', 'b.example.co.uk', 'co.uk']);
    await provider.set(record, NEVER);
    expect(api.seen.map(({ path }) => path)).toEqual([
      '/v4/zones?name=_acme-challenge.a.b.example.co.uk',
      '/v4/zones?name=a.b.example.co.uk',
      '/v4/zones?name=b.example.co.uk',
      '/v4/zones/id%20of%20b.example.co.uk/dns_records',
    ]);
  });

  it('that has the record already is content', async () => {
    const { provider, records } = await start(['example.co.uk']);
    await provider.set(record, NEVER);
    await expect(provider.set(record, NEVER)).resolves.toBeUndefined();
    expect(records.size).toBe(1);
  });

  it('loses a record that is stored without quotes as well, and one that somebody else removed meanwhile', async () => {
    const { provider, records } = await start(['example.co.uk'], (request) => {
      if (request.method === 'DELETE' && request.path.endsWith('gone')) return no(404, 81044, 'Record does not exist.');
      return undefined;
    });
    records.set('gone', { id: 'gone', name: NAME, content: '"gfj9Xq"', ttl: 60 });
    records.set('plain', { id: 'plain', name: NAME, content: 'gfj9Xq', ttl: 60 });
    await provider.unset(record);
    expect([...records.keys()]).toEqual(['gone']);
  });

  it('that the token does not see is said so, with the permissions that it needs', async () => {
    const { provider } = await start(['example.com']);
    expect(await failureOf(provider.set(record, NEVER))).toMatchObject({
      code: 'dns-provider',
      blame: 'operator',
      message: `Cloudflare: the token sees no zone that ${NAME} is in.`,
      hint: expect.stringContaining('Zone / Zone / Read and Zone / DNS / Edit'),
    });
  });

  it.each([
    [no(403, 10000, 'Authentication error'), 'it answered 403: Authentication error (10000).', 'operator', undefined],
    [
      { status: 429, headers: { 'retry-after': '300' }, body: { errors: [{ code: 971, message: 'Please wait' }] } },
      'it answered 429: Please wait (971).',
      'remote',
      300,
    ],
    [
      { status: 502, body: '<html>\n<b>bad\tgateway</b>' },
      'it answered 502: <html> <b>bad gateway</b>.',
      'remote',
      undefined,
    ],
    [{ body: 'x'.repeat(5_000) }, `it answered 200: ${'x'.repeat(300)}….`, 'remote', undefined],
    [{ body: [] }, 'it answered 200: [].', 'remote', undefined],
  ] as const)('that refuses is quoted: %j', async (answer, message, blame, retryAfter) => {
    const { provider } = await start(['example.co.uk'], () => answer);
    for (const failure of [await failureOf(provider.set(record, NEVER)), await failureOf(provider.unset(record))]) {
      expect(failure).toMatchObject({ code: 'dns-provider', message: `Cloudflare: ${message}`, blame, retryAfter });
      expect(JSON.stringify(failure) + String(failure)).not.toContain('the-token');
    }
  });

  it('that refuses to write is quoted', async () => {
    const { provider } = await start(['example.co.uk'], ({ method }) =>
      method === 'POST' ? no(400, 9005, 'Content for TXT record is invalid') : undefined,
    );
    expect(await failureOf(provider.set(record, NEVER))).toMatchObject({
      message: 'Cloudflare: it answered 400: Content for TXT record is invalid (9005).',
    });
  });
});
