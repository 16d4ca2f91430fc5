import { afterEach, describe, expect, it } from 'vitest';
import { createAcmeDnsProvider, parseAcmeDnsAccounts } from '../../../src/acme/solvers/acme-dns.ts';
import { failureOf, makeTask, NEVER } from './challenge-task.ts';
import { type ScriptedAnswer, type ScriptedApi, startApi } from './scripted-api.ts';

const account = {
  username: 'eabcdb41-d89f-4580-826f-3e62e9755ef2',
  password: 'pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0',
  fulldomain: 'd420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org',
  subdomain: 'd420c923-bbd7-4056-ab64-c3ca54c9b3cf',
};
const record = { name: account.fulldomain, value: 'v'.repeat(43), task: makeTask('dns-01', 'example.com') };

let api: ScriptedApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

async function start(answer: ScriptedAnswer, accounts: object = account) {
  api = await startApi(() => answer);
  const parsed = parseAcmeDnsAccounts(JSON.stringify(accounts));
  if (!parsed.ok) throw new Error(parsed.why);
  return createAcmeDnsProvider({ server: `${api.url}/`, accounts: parsed.value }, { call: api.call });
}

describe('an acme-dns server', () => {
  it('is given the value with the account of the name', async () => {
    const provider = await start(
      { body: { txt: record.value } },
      { 'example.com': account, 'b.test': { ...account, username: 'b' } },
    );
    await provider.set(record, NEVER);
    await provider.unset(record);
    expect(api!.seen).toHaveLength(1);
    expect(api!.seen[0]).toMatchObject({
      method: 'POST',
      path: '/update',
      body: { subdomain: account.subdomain, txt: record.value },
    });
    expect(api!.seen[0]!.headers).toMatchObject({ 'x-api-user': account.username, 'x-api-key': account.password });
  });

  it('is not asked where no alias leads to the account: the message has the one to publish', async () => {
    const provider = await start({});
    const failure = await failureOf(provider.set({ ...record, name: '_acme-challenge.example.com' }, NEVER));
    expect(failure).toMatchObject({
      code: 'dns-provider',
      blame: 'operator',
      hint: `Publish once: _acme-challenge.example.com. IN CNAME ${account.fulldomain}.`,
    });
    expect(api!.seen).toEqual([]);
  });

  it('is not asked for a name without an account', async () => {
    const provider = await start({}, { 'other.test': account });
    expect(await failureOf(provider.set(record, NEVER))).toMatchObject({
      message: 'acme-dns: there is no account for example.com.',
    });
  });

  it.each([
    [{ status: 401, body: { error: 'forbidden' } }, 'acme-dns: it answered 401: forbidden.', 'operator'],
    [{ status: 400, body: { error: 'bad_txt' } }, 'acme-dns: it answered 400: bad_txt.', 'remote'],
    [{ body: { txt: 'another' } }, 'acme-dns: it answered 200: {"txt":"another"}.', 'remote'],
    [{ status: 500, body: '' }, 'acme-dns: it answered 500.', 'remote'],
  ] as const)('that refuses is quoted: %j', async (answer, message, blame) => {
    const provider = await start(answer);
    const failure = await failureOf(provider.set(record, NEVER));
    expect(failure).toMatchObject({ code: 'dns-provider', message, blame });
    expect(String(failure)).not.toContain(account.password);
  });
});

describe('a file of acme-dns accounts', () => {
  it('holds one for all names, or one by name', () => {
    expect(parseAcmeDnsAccounts(JSON.stringify({ ...account, allowfrom: [] }))).toEqual({
      ok: true,
      value: new Map([['', account]]),
    });
    expect(parseAcmeDnsAccounts(JSON.stringify({ 'A.test': { ...account, server_url: 'x' } }))).toEqual({
      ok: true,
      value: new Map([['a.test', account]]),
    });
  });

  it.each([
    ['', 'holds no JSON object'],
    ['[]', 'holds no JSON object'],
    ['{}', 'holds none'],
    ['{"a.test":{"username":"u"}}', '"a.test" lacks username, password, fulldomain or subdomain'],
    ['{"a.test":null}', '"a.test" lacks'],
  ])('is none of ours when it is %j', (text, why) => {
    expect(parseAcmeDnsAccounts(text)).toMatchObject({ ok: false, why: expect.stringContaining(why) });
  });
});
