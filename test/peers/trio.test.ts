import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readKeyDocument } from '../../src/matrix/key-document.ts';
import { askHttp1, type ClientAnswer, type Endpoint, type HttpClient, PROTOCOLS } from './https-client.ts';
import { type MatrixUser, registerUser } from './matrix-user.ts';
import { whyNoSynapse } from './synapse.ts';
import { type Member, startTrio, type Trio } from './trio.ts';

const missing = await whyNoSynapse();

const MEMBERS = ['hs1', 'hs2', 'hs3'] as const;
type MemberName = (typeof MEMBERS)[number];

const json = (answer: ClientAnswer): unknown => JSON.parse(answer.body.toString('utf8'));
const get = (endpoint: Endpoint, path: string, ask: HttpClient = askHttp1): Promise<ClientAnswer> =>
  ask(endpoint, { method: 'GET', path });

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('real Synapses are here, because REQUIRE_PEERS=1 asks for them', () => {
    expect(missing).toBeUndefined();
  });
}

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`Three real Synapses, each behind its own sidecar${why}`, () => {
  let trio: Trio;
  let room: string;
  const users = new Map<MemberName, MatrixUser>();
  const user = (name: MemberName): MatrixUser => users.get(name)!;

  beforeAll(async () => {
    trio = await startTrio();
    for (const name of MEMBERS) users.set(name, await registerUser(trio[name].clients, `person-of-${name}`));
  });
  afterAll(async () => {
    await trio?.close();
  });

  test.each([
    ['hs1', 404, undefined],
    ['hs2', 200, 'matrix.hs2.test:443'],
    ['hs3', 200, 'fed.hs3.test:18448'],
  ] as const)('%s publishes how it is found: well-known answers %i %s', async (name, status, delegated) => {
    const answer = await get(trio[name].clients, '/.well-known/matrix/server');
    expect(answer.status).toBe(status);
    if (delegated !== undefined) expect(json(answer)).toEqual({ 'm.server': delegated });
  });

  test.each(MEMBERS)('%s answers version and its own keys on its federation endpoint', async (name) => {
    const { federation, serverName } = trio[name];
    for (const [, ask] of PROTOCOLS) {
      const version = await get(federation, '/_matrix/federation/v1/version', ask);
      expect(json(version)).toMatchObject({ server: { name: 'Synapse' } });
      const keys = await get(federation, '/_matrix/key/v2/server', ask);
      expect(readKeyDocument(json(keys), serverName, Date.now())).toMatchObject({ ok: true });
    }
  });

  test('a room made on hs1 is joined by its alias from hs2 and hs3', async () => {
    const made = await user('hs1').call('POST', '/_matrix/client/v3/createRoom', {
      preset: 'public_chat',
      room_alias_name: 'trio',
    });
    room = String(made['room_id']);
    for (const name of ['hs2', 'hs3'] as const) {
      const joined = await user(name).call('POST', '/_matrix/client/v3/join/%23trio:hs1.test', {});
      expect(joined).toEqual({ room_id: room });
    }
    const members = await user('hs1').call(
      'GET',
      `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/joined_members`,
    );
    expect(Object.keys(members['joined'] as object).sort()).toEqual([
      '@person-of-hs1:hs1.test',
      '@person-of-hs2:hs2.test',
      '@person-of-hs3:hs3.test',
    ]);
  });

  test.each(MEMBERS)('a message from %s shows in the timeline of each of the three', async (name) => {
    const text = `said on ${name}, with ünïcödé and 🦊`;
    const eventId = await user(name).say(room, text);
    for (const reader of MEMBERS) expect(await user(reader).waitForEvent(room, eventId)).toBe(text);
  });

  describe.each(PROTOCOLS)('over %s', (protocol, ask) => {
    /** A transaction with one EDU of a kind that nobody knows: it is authenticated, and then ignored. */
    const sendTransaction = (to: Member, id: string, sent: object, signed: object): Promise<ClientAnswer> => {
      const path = `/_matrix/federation/v1/send/${id}`;
      const authorization = trio.stranger.authorize(to.serverName, 'PUT', path, signed);
      return ask(to.federation, {
        method: 'PUT',
        path,
        headers: { Authorization: authorization, 'Content-Type': 'application/json' },
        body: Buffer.from(JSON.stringify(sent)),
      });
    };
    const makeTransaction = (filler: string): object => ({
      origin: 'stranger.test',
      origin_server_ts: Date.now(),
      pdus: [],
      edus: [{ edu_type: 'test.sidecar.filler', content: { filler } }],
    });

    test.each(MEMBERS)('a signed federation transaction of 12 MB reaches %s unaltered', async (name) => {
      const transaction = makeTransaction(randomBytes(9_000_000).toString('base64'));
      expect(JSON.stringify(transaction).length).toBeGreaterThan(12_000_000);
      const id = `large-${protocol.replace('/', '')}-${name}`;
      const answer = await sendTransaction(trio[name], id, transaction, transaction);
      expect([answer.status, json(answer)]).toEqual([200, { pdus: {} }]);
    });

    test('a transaction that differs from what was signed is refused by Synapse itself', async () => {
      const signed = makeTransaction('as signed');
      const answer = await sendTransaction(trio.hs1, 'forged', makeTransaction('as sent'), signed);
      expect([answer.status, json(answer)]).toMatchObject([401, { errcode: 'M_UNAUTHORIZED' }]);
    });

    test('40 MB of media come back with the same SHA-256, and over federation from another server too', async () => {
      const media = randomBytes(40 * 1024 ** 2);
      const sha256 = createHash('sha256').update(media).digest('hex');
      const uploaded = await ask(trio.hs1.clients, {
        method: 'POST',
        path: '/_matrix/media/v3/upload?filename=large.bin',
        headers: { Authorization: `Bearer ${user('hs1').token}`, 'Content-Type': 'application/octet-stream' },
        body: media,
      });
      expect([uploaded.status, json(uploaded)]).toMatchObject([
        200,
        { content_uri: expect.stringMatching(/^mxc:\/\/hs1\.test\//) },
      ]);
      const uri = (json(uploaded) as { content_uri: string }).content_uri.slice('mxc://'.length);
      for (const name of MEMBERS) {
        const downloaded = await ask(trio[name].clients, {
          method: 'GET',
          path: `/_matrix/client/v1/media/download/${uri}`,
          headers: { Authorization: `Bearer ${user(name).token}` },
        });
        expect([name, downloaded.status, downloaded.body.length]).toEqual([name, 200, media.length]);
        expect(downloaded.sha256).toBe(sha256);
      }
    });

    test('a long poll that waits for more than 35 s delivers the message that then comes', async () => {
      const reader = await registerUser(trio.hs2.clients, `reader-${protocol.replace('/', '').toLowerCase()}`, ask);
      await reader.call('POST', '/_matrix/client/v3/join/%23trio:hs1.test', {});
      const sync = async (query: string): Promise<{ next_batch: string }> =>
        (await reader.call('GET', `/_matrix/client/v3/sync?${query}`)) as { next_batch: string };
      // Until a poll brings nothing new: what is left of the join would end the long one early.
      let since = (await sync('timeout=0')).next_batch;
      for (let quiet = false; !quiet; ) {
        const next = (await sync(`timeout=2000&since=${since}`)).next_batch;
        quiet = next === since;
        since = next;
      }
      const started = performance.now();
      const poll = sync(`timeout=60000&since=${since}`);
      await sleep(36_000);
      const eventId = await user('hs3').say(room, 'worth the wait');
      const answer = await poll;
      const seconds = (performance.now() - started) / 1000;
      expect(JSON.stringify(answer)).toContain(eventId);
      expect(seconds).toBeGreaterThan(35);
      expect(seconds).toBeLessThan(50);
    });

    test('Synapse sees the true address of a client that sends a forged X-Forwarded-For', async () => {
      const forging: HttpClient = (endpoint, request) =>
        ask(endpoint, { ...request, headers: { ...request.headers, 'X-Forwarded-For': '203.0.113.9' } });
      const endpoint = { ...trio.hs1.clients, from: '127.0.0.77' };
      const name = `forger-${protocol.replace('/', '').toLowerCase()}`;
      const forger = await registerUser(endpoint, name, forging);
      await forger.call('GET', '/_matrix/client/v3/account/whoami');
      const whois = await forger.call('GET', `/_matrix/client/v3/admin/whois/${encodeURIComponent(forger.id)}`);
      const { devices } = whois as { devices: Record<string, { sessions: { connections: { ip: string }[] }[] }> };
      const seen = Object.values(devices).flatMap(({ sessions }) => sessions.flatMap((one) => one.connections));
      expect(seen.length).toBeGreaterThan(0);
      expect(new Set(seen.map(({ ip }) => ip))).toEqual(new Set(['127.0.0.77']));
    });
  });

  test('no sidecar logged an error, and each ends with exit code 0 on SIGTERM', async () => {
    for (const name of MEMBERS) {
      const { sidecar } = trio[name];
      expect(sidecar.log()).not.toMatch(/"level":(50|60|"error"|"fatal")/);
      expect(await sidecar.close()).toBe(0);
    }
  });
});
