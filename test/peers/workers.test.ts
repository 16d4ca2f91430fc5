import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { describeDeployment } from '../../src/cli/doctor/describe-deployment.ts';
import { checkWorkers } from '../../src/doctor/check-workers.ts';
import { STREAMS } from '../../src/matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { deriveWorkers } from '../../src/synapse/derive-workers.ts';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import { readConfig } from '../app/test-config.ts';
import { samplePaths } from '../matrix/worker-route-samples.ts';
import { askHttp1, askHttp2 } from './https-client.ts';
import { type MatrixUser, registerUser } from './matrix-user.ts';
import { whyNoPostgres } from './postgres-server.ts';
import {
  SERVER_NAME,
  startWorkersSetting,
  WORKERS,
  type WorkersSetting,
  whyNoWorkersSetting,
} from './workers-setting.ts';

const missing = await whyNoWorkersSetting(whyNoPostgres());
// `.ci/run` says `none` where no image that can run workers is to be had, after it has said why.
const isRequired = process.env['REQUIRE_PEERS'] === '1' && process.env['SYNAPSE_WORKERS_IMAGE'] !== 'none';
if (missing !== undefined && isRequired) {
  test('a real Synapse with workers can be had, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

const GENERIC = ['generic1', 'generic2'];
/** Paths to the end, where the pattern is the beginning of several. */
const WHOLE: Readonly<Record<string, string>> = {
  '/_matrix/media/': '/_matrix/media/v3/config',
  '/_matrix/client/v1/media/': '/_matrix/client/v1/media/config',
  '/_matrix/federation/v1/media/': '/_matrix/federation/v1/media/download/x',
  '/_synapse/admin/v1/user/.*/media.*$': '/_synapse/admin/v1/user/@u:a.test/media/quarantine',
  '/_synapse/admin/v1/media/.*$': '/_synapse/admin/v1/media/a.test/x',
  '/_matrix/federation/v1/make_join/': '/_matrix/federation/v1/make_join/!r:a.test/@u:a.test',
  '/_matrix/federation/v1/make_leave/': '/_matrix/federation/v1/make_leave/!r:a.test/@u:a.test',
  '/_matrix/federation/v1/make_knock/': '/_matrix/federation/v1/make_knock/!r:a.test/@u:a.test',
  '/_matrix/federation/(v1|v2)/send_join/': '/_matrix/federation/v2/send_join/!r:a.test/$e',
  '/_matrix/federation/(v1|v2)/send_leave/': '/_matrix/federation/v2/send_leave/!r:a.test/$e',
  '/_matrix/federation/v1/send_knock/': '/_matrix/federation/v1/send_knock/!r:a.test/$e',
  '/_matrix/federation/(v1|v2)/invite/': '/_matrix/federation/v2/invite/!r:a.test/$e',
  '/_matrix/federation/v1/event_auth/': '/_matrix/federation/v1/event_auth/!r:a.test/$e',
  '/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/typing': '/_matrix/client/v3/rooms/!r:a.test/typing/@u:a.test',
  '/_matrix/client/(r0|v3|unstable)/sendToDevice/': '/_matrix/client/v3/sendToDevice/m.x/1',
  '/_matrix/client/(api/v1|r0|v3|unstable)/presence/': '/_matrix/client/v3/presence/@u:a.test/status',
  '/_matrix/client/unstable/io.element.msc4306/':
    '/_matrix/client/unstable/io.element.msc4306/rooms/!r:a.test/thread/$e/subscription',
  '/_matrix/client/(r0|v3|unstable)/room_keys/': '/_matrix/client/v3/room_keys/version',
  '/_matrix/client/(r0|v3|unstable)/.*/account_data': '/_matrix/client/v3/user/@u:a.test/account_data/m.x',
};
const PROCESSES = ['main', ...WORKERS.map(({ name }) => name)];

if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A real Synapse with seven workers${why}`, () => {
  let setting: WorkersSetting;
  let alice: MatrixUser;
  let bob: MatrixUser;
  let room: string;
  beforeAll(async () => {
    setting = await startWorkersSetting();
    // The sidecar was there first: those that have just come get their share of rooms and users little by little.
    for (let turn = 0; turn < 240; turn += 1) {
      const status = await (await fetch(`${setting.admin}/api/status`)).text();
      if (!/"state":\s*"(warming|ejected)"/.test(status)) break;
      await sleep(250);
    }
    alice = await registerUser(setting.clients, 'alice');
    bob = await registerUser(setting.clients, 'bob', askHttp2);
    room = String((await alice.call('POST', '/_matrix/client/v3/createRoom', { preset: 'public_chat' }))['room_id']);
    await bob.call('POST', `/_matrix/client/v3/join/${encodeURIComponent(room)}`, {});
  });
  afterAll(() => setting?.close());

  /** The processes whose logs have a request whose target contains this. */
  async function whoProcessed(what: string): Promise<string[]> {
    const who: string[] = [];
    for (const name of PROCESSES)
      if ((await setting.synapse.processed(name)).some(({ target }) => target.includes(what))) who.push(name);
    return who;
  }

  const inRoom = (path: string): string => `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/${path}`;

  test('every kind of request is answered by the worker that it is for, by the logs of the workers', async () => {
    const event = await alice.say(room, 'for a receipt');
    const user = encodeURIComponent(alice.id);
    const v3 = '/_matrix/client/v3';
    // What is asked, and who has to have answered it: written by hand, from Synapse's documentation and ours.
    const requests: readonly (readonly [string, string, object | undefined, readonly string[]])[] = [
      ['GET', `${v3}/sync?timeout=0`, undefined, ['sync1']],
      ['GET', `${v3}/sync?timeout=0&full_state=true`, undefined, ['sync1']],
      ['GET', `${v3}/account/whoami`, undefined, GENERIC],
      ['GET', `${v3}/joined_rooms`, undefined, GENERIC],
      ['GET', `${v3}/capabilities`, undefined, GENERIC],
      ['GET', '/_matrix/client/versions', undefined, GENERIC],
      ['GET', inRoom('members'), undefined, GENERIC],
      ['GET', inRoom('state'), undefined, GENERIC],
      ['GET', inRoom('messages?dir=b'), undefined, GENERIC],
      ['GET', inRoom(`event/${encodeURIComponent(event)}`), undefined, GENERIC],
      ['PUT', inRoom('send/m.room.message/probe'), { msgtype: 'm.text', body: 'x' }, GENERIC],
      ['PUT', inRoom('state/m.room.topic/'), { topic: 'workers' }, GENERIC],
      ['GET', `${v3}/profile/${user}`, undefined, GENERIC],
      ['PUT', `${v3}/profile/${user}/displayname`, { displayname: 'Alice' }, GENERIC],
      ['POST', `${v3}/keys/query`, { device_keys: { [bob.id]: [] } }, GENERIC],
      ['POST', `${v3}/user_directory/search`, { search_term: 'bob' }, GENERIC],
      ['GET', `${v3}/login`, undefined, GENERIC],
      ['POST', `${v3}/user/${user}/filter`, {}, GENERIC],
      ['PUT', inRoom(`typing/${user}`), { typing: true, timeout: 1000 }, ['streams1']],
      ['PUT', `${v3}/sendToDevice/m.test/probe`, { messages: { [bob.id]: { '*': {} } } }, ['streams1']],
      ['POST', inRoom(`receipt/m.read/${encodeURIComponent(event)}`), {}, ['streams1']],
      ['POST', inRoom('read_markers'), { 'm.fully_read': event }, ['streams1']],
      ['PUT', `${v3}/user/${user}/account_data/org.test`, { a: 1 }, ['streams1']],
      ['GET', `${v3}/user/${user}/account_data/org.test`, undefined, ['streams1']],
      ['PUT', `${v3}/user/${user}/rooms/${encodeURIComponent(room)}/tags/u.x`, {}, ['streams1']],
      ['PUT', `${v3}/presence/${user}/status`, { presence: 'online' }, ['streams1']],
      ['GET', `${v3}/pushrules/`, undefined, ['streams1']],
      ['PUT', `${v3}/pushrules/global/override/x`, { conditions: [], actions: ['notify'] }, ['streams1']],
      ['POST', `${v3}/keys/upload`, {}, ['streams1']],
      ['GET', `${v3}/devices`, undefined, ['streams1']],
      ['POST', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', { lists: {} }, ['main']],
      ['GET', `${v3}/pushers`, undefined, ['main']],
      ['GET', '/_matrix/media/v3/config', undefined, ['media1']],
      ['GET', '/_matrix/client/v1/media/config', undefined, ['media1']],
    ];
    const answered: string[] = [];
    for (const [index, [method, path, body]] of requests.entries()) {
      const marked = `${path}${path.includes('?') ? '&' : '?'}probe=p${index}p`;
      const { status, body: text } = await alice.ask(method, marked, body);
      answered.push(status === 200 ? '200' : `${status} ${text.toString().slice(0, 200)}`);
    }
    const logged = new Map<string, string[]>();
    for (const name of PROCESSES) {
      for (const { target } of await setting.synapse.processed(name)) {
        const probe = /[?&]probe=(p\d+p)/.exec(target)?.[1];
        if (probe !== undefined) logged.set(probe, [...(logged.get(probe) ?? []), name]);
      }
    }
    const wrong = requests.flatMap(([method, path, , meant], index) => {
      const who = logged.get(`p${index}p`) ?? [];
      const right = answered[index] === '200' && who.length === 1 && meant.includes(who[0]!);
      return right ? [] : [`${method} ${path}: ${answered[index]}, by ${who.join(' and ') || 'nobody'}`];
    });
    expect(wrong).toEqual([]);
    // Both take their part.
    expect(new Set([...logged.values()].flat().filter((name) => GENERIC.includes(name)))).toEqual(new Set(GENERIC));
  });

  test('registration, rooms and joins went to generic workers, and everything of one room to one of them', async () => {
    for (const path of ['/register', '/createRoom', '/join/'])
      expect(GENERIC, path).toEqual(expect.arrayContaining(await whoProcessed(path)));
    expect(await whoProcessed('/send/m.room.message/')).toHaveLength(1);
  });

  test('an upload and its downloads, by clients and by servers, are the media worker’s', async () => {
    const content = Buffer.alloc(200_000, 7);
    const uploaded = await askHttp2(setting.clients, {
      method: 'POST',
      path: '/_matrix/media/v3/upload?filename=seven.bin',
      headers: { Authorization: `Bearer ${alice.token}`, 'Content-Type': 'application/octet-stream' },
      body: content,
    });
    expect(uploaded.status, uploaded.body.toString()).toBe(200);
    const id = (JSON.parse(uploaded.body.toString()) as { content_uri: string }).content_uri.split('/').at(-1)!;
    const path = `/_matrix/client/v1/media/download/${SERVER_NAME}/${id}`;
    expect((await bob.ask('GET', path)).body).toEqual(content);
    const uri = `/_matrix/federation/v1/media/download/${id}`;
    const Authorization = signed('GET', uri);
    const abroad = await askHttp1(setting.federation, { method: 'GET', path: uri, headers: { Authorization } });
    expect([abroad.status, abroad.body.includes(content)]).toEqual([200, true]);
    expect(await whoProcessed('/media/v3/upload')).toEqual(['media1']);
    expect(await whoProcessed(id)).toEqual(['media1']);
  });

  /** Nobody's body, or an empty transaction. */
  function signed(method: string, uri: string, content?: object): string {
    return setting.stranger.authorize(SERVER_NAME, method, uri, content as object);
  }

  test('other servers’ transactions and questions go to generic workers, and keys come from the main process', async () => {
    const uri = '/_matrix/federation/v1/send/abroad1';
    const content = { origin: 'stranger.test', origin_server_ts: Date.now(), pdus: [], edus: [] };
    const sent = await askHttp1(setting.federation, {
      method: 'PUT',
      path: uri,
      headers: { Authorization: signed('PUT', uri, content), 'Content-Type': 'application/json' },
      body: Buffer.from(JSON.stringify(content)),
    });
    expect([sent.status, sent.body.toString()]).toEqual([200, '{"pdus":{}}']);
    const profile = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.id)}`;
    const Authorization = signed('GET', profile);
    const asked = await askHttp1(setting.federation, { method: 'GET', path: profile, headers: { Authorization } });
    expect([asked.status, asked.body.toString()]).toEqual([200, expect.stringContaining('Alice')]);
    const keys = await askHttp1(setting.federation, { method: 'GET', path: '/_matrix/key/v2/server' });
    expect(keys.status).toBe(200);
    expect(GENERIC).toEqual(expect.arrayContaining(await whoProcessed('/send/abroad1')));
    expect(GENERIC).toEqual(expect.arrayContaining(await whoProcessed('/query/profile')));
    expect(await whoProcessed('/key/v2/server')).toEqual(['main']);
  });

  test('a worker knows every path of the table that may go to it', async () => {
    const at = (name: string): number => Number(WORKERS.find((worker) => worker.name === name)!.at);
    const unknown: string[] = [];
    let known = 0;
    for (const { pattern, pools, reads = [] } of WORKER_ROUTES) {
      const all = [...pools, ...reads];
      const port = all.includes('media') ? at('media1') : at('generic1');
      // Single sign-on is not set up here, and the worker has no paths for it then.
      if (all.length === 0 || all.includes('sso')) continue;
      const isKnown = await knowsOneOf(port, [WHOLE[pattern] ?? pattern, ...samplePaths(pattern)]);
      if (isKnown) known += 1;
      else unknown.push(pattern);
    }
    // The stable path of sliding sync, for versions of Synapse to come.
    expect(unknown).toEqual(['/_matrix/client/v4/sync$']);
    expect(known).toBeGreaterThan(80);
  });

  /** Whether a process answers to one of these paths otherwise than that it does not know it. */
  async function knowsOneOf(port: number, paths: readonly string[]): Promise<boolean> {
    for (const path of paths) {
      // Without a token, so that nothing waits for events.
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      const text = await answer.text();
      if (answer.status !== 404 || !text.includes('M_UNRECOGNIZED')) return true;
    }
    return false;
  }

  test('doctor finds nothing wrong with the workers, by what they answer', async () => {
    const config = readConfig(readFileSync(join(setting.sidecar.folder, 'sidecar.yaml'), 'utf8'));
    const { servers } = describeDeployment(config, { homeserverYaml: [], privateAuthority: true });
    const [row] = checkWorkers(servers[0]!, { system: realSystem });
    expect(await row!.run(new AbortController().signal)).toEqual({ seen: '7 of 7 answer', findings: [] });
    // By this path it tells the main process from workers.
    const [main, worker] = [servers[0]!.homeserver.instances[0].text, 'http://127.0.0.1:18032'];
    const asked = await Promise.all([main, worker].map((at) => fetch(`${at}/_matrix/client/v3/pushers`)));
    expect(asked.map(({ status }) => status)).toEqual([401, 404]);
    // Their files fit what the sidecar has, and lead to the same pools by themselves.
    const { synapse, facts } = servers[0]!;
    expect(lintHomeserver(synapse!, facts)).toEqual([]);
    const derived = deriveWorkers(synapse!.yaml!.processes, facts.homeserver).map(({ name, pools }) => [
      name,
      pools.toSorted().join(' '),
    ]);
    expect(Object.fromEntries(derived)).toEqual({
      ...{ generic1: 'generic', generic2: 'generic', sync1: 'sync', media1: 'media' },
      streams1: Object.keys(facts.workers!.pools)
        .filter((pool) => STREAMS.some((one) => one === pool))
        .toSorted()
        .join(' '),
      ...{ persister1: 'background', sender1: 'background' },
    });
  });

  test('one of two generic workers is killed under load: no request fails, and nothing is doubled or lost', async () => {
    const failed: string[] = [];
    let asked = 0;
    let going = true;
    const go = async (person: MatrixUser, ask: (turn: number) => readonly [string, string, object?]): Promise<void> => {
      for (let turn = 0; going; turn += 1) {
        const [method, path, body] = ask(turn);
        const status = await person.ask(method, path, body).then(
          (answer) => answer.status,
          (error: unknown) => String(error),
        );
        asked += 1;
        if (status !== 200) failed.push(`${method} ${path}: ${status}`);
        await sleep(20);
      }
    };
    const texts: string[] = [];
    const send = (who: string) => (turn: number) => {
      texts.push(`${who}${turn}`);
      return [
        'PUT',
        inRoom(`send/m.room.message/${who}${turn}`),
        { msgtype: 'm.text', body: `${who}${turn}` },
      ] as const;
    };
    let before = 0;
    const load = [
      go(alice, send('alice')),
      go(bob, send('bob')),
      go(alice, () => ['GET', inRoom('members')]),
      go(bob, () => ['GET', '/_matrix/client/v3/joined_rooms']),
      go(alice, () => ['POST', '/_matrix/client/v3/keys/query', { device_keys: { [bob.id]: [] } }]),
      go(bob, () => ['GET', '/_matrix/client/v3/sync?timeout=500']),
    ];
    await sleep(3_000);
    before = asked;
    const [busy] = await whoProcessed('/send/m.room.message/alice0');
    await setting.synapse.kill(busy!);
    await sleep(5_000);
    going = false;
    await Promise.all(load);
    expect(before).toBeGreaterThan(30);
    expect(asked - before).toBeGreaterThan(30);
    expect(failed).toEqual([]);
    const status = await (await fetch(`${setting.admin}/api/status`)).json();
    expect(JSON.stringify(status)).toMatch(/"ejected"/);
    const said: string[] = [];
    let from = '';
    for (let page = 0; page < 20; page += 1) {
      const { chunk, end } = (await alice.call('GET', inRoom(`messages?dir=b&limit=100${from}`))) as {
        chunk: { type: string; content: { body?: string } }[];
        end?: string;
      };
      said.push(...chunk.flatMap(({ type, content }) => (type === 'm.room.message' ? [String(content.body)] : [])));
      if (end === undefined) break;
      from = `&from=${end}`;
    }
    expect(said.filter((text) => /^(alice|bob)\d/.test(text)).toSorted()).toEqual(texts.toSorted());
    await setting.synapse.start(busy!);
  });

  test('the only sync worker is killed: syncs go to generic workers, and back when it is here again', async () => {
    await setting.synapse.kill('sync1');
    for (let turn = 0; turn < 5; turn += 1)
      expect((await alice.ask('GET', `/_matrix/client/v3/sync?timeout=0&probe=away${turn}`)).status).toBe(200);
    expect(GENERIC).toEqual(expect.arrayContaining(await whoProcessed('probe=away')));
    const ready = async (): Promise<string> => (await fetch(`${setting.admin}/readyz`)).text();
    await expect.poll(ready).toContain('nobody of sync is here: others answer its requests');
    await setting.synapse.start('sync1');
    await expect
      .poll(
        async () => {
          await alice.call('GET', `/_matrix/client/v3/sync?timeout=0&probe=back`);
          return whoProcessed('probe=back');
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toContain('sync1');
  });

  test('the writer of streams is killed: what the main process can do it does, and typing waits until it is back', async () => {
    const user = encodeURIComponent(alice.id);
    await setting.synapse.kill('streams1');
    const toDevice = '/_matrix/client/v3/sendToDevice/m.test/while-away?probe=writer';
    // The main process takes it, and cannot write it: it waits for the writer, as Synapse's processes do for each other.
    const waiting = alice.ask('PUT', inRoom(`typing/${user}?probe=held`), { typing: true, timeout: 1_000 });
    const passed = alice.ask('PUT', toDevice, { messages: { [bob.id]: { '*': {} } } });
    const rules = await alice.ask('GET', '/_matrix/client/v3/pushrules/?probe=rules');
    expect(rules.status).toBe(200);
    expect(await whoProcessed('probe=rules')).not.toContain('streams1');
    expect(await Promise.race([waiting.then(() => 'answered'), sleep(2_000).then(() => 'waits')])).toBe('waits');
    await setting.synapse.start('streams1');
    expect((await waiting).status).toBe(200);
    expect([200, 500, 502]).toContain((await passed).status);
    expect(await whoProcessed('probe=held')).toEqual(['streams1']);
  });

  test('the sidecar logged no error', () => {
    expect(setting.sidecar.log()).not.toMatch(/"level":(50|60|"error"|"fatal")/);
  });
});
