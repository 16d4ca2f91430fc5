import { describe, expect, it } from 'vitest';
import { compileEndpoints } from '../../src/matrix/endpoints.ts';
import type { PoolName } from '../../src/matrix/worker-pools.ts';
import { STREAMS, WORKER_POOLS } from '../../src/matrix/worker-pools.ts';
import { createPoolChooser, type PoolRequest } from '../../src/route/choose-pool.ts';

const V3 = '/_matrix/client/v3';
const TOKEN = 'Bearer syt_YWxpY2U_AbCdEfGhIjKlMnOpQrSt_0a1B2c';
const EVERYTHING: readonly PoolName[] = [...WORKER_POOLS, ...STREAMS];

function request(line: string, more: Partial<PoolRequest> = {}): PoolRequest {
  const [method = '', target = ''] = line.split(' ');
  return {
    ...{ method, target, clientAddress: '192.0.2.1', authorization: () => undefined, origin: () => undefined },
    ...more,
  };
}

/** Two instances of each pool. */
function chooser(...pools: readonly PoolName[]) {
  return createPoolChooser(new Map(pools.map((pool) => [pool, 2])));
}

/** `a b main`: who may take it, in order. */
function order(line: string, pools: readonly PoolName[]): string {
  const { plan } = chooser(...pools)(request(line));
  return [...plan.pools, ...(plan.mainToo ? ['main'] : [])].join(' ');
}

describe('who takes a request', () => {
  it.each<[string, readonly PoolName[], string]>([
    // What is an initial sync.
    [`GET ${V3}/sync`, ['sync', 'initial_sync'], 'initial_sync sync main'],
    [`GET ${V3}/sync?timeout=0`, ['sync', 'initial_sync'], 'initial_sync sync main'],
    [`GET ${V3}/sync?since=`, ['sync', 'initial_sync'], 'initial_sync sync main'],
    [`GET ${V3}/sync?since=s1`, ['sync', 'initial_sync'], 'sync main'],
    [`GET ${V3}/sync?since=s1&full_state=false`, ['sync', 'initial_sync'], 'sync main'],
    [`GET ${V3}/sync?since=s1&full_state=true`, ['sync', 'initial_sync'], 'initial_sync sync main'],
    [`GET ${V3}/events`, ['sync', 'initial_sync'], 'initial_sync sync main'],
    [`GET ${V3}/events?from=s1`, ['sync', 'initial_sync'], 'sync main'],
    [`GET ${V3}/initialSync?from=s1`, ['sync', 'initial_sync'], 'initial_sync sync main'],
    [`GET ${V3}/sync`, ['sync'], 'sync main'],
    [`GET ${V3}/sync`, ['generic', 'initial_sync'], 'initial_sync generic main'],
    [`GET ${V3}/sync?since=s1`, ['initial_sync'], 'main'],
    [`GET ${V3}/sync`, [], 'main'],
    // The pool made for it, then those that can as well.
    [`PUT ${V3}/rooms/!r/send/m.x/1`, EVERYTHING, 'event_creator generic main'],
    [`PUT ${V3}/rooms/!r/send/m.x/1`, ['generic'], 'generic main'],
    [`PUT ${V3}/rooms/!r/send/m.x/1`, ['client_reader'], 'main'],
    [`GET ${V3}/rooms/!r/messages`, ['client_reader', 'pagination'], 'pagination client_reader main'],
    [`POST ${V3}/keys/upload`, EVERYTHING, 'device_lists client_reader generic main'],
    [`POST ${V3}/keys/upload`, ['generic'], 'generic main'],
    [`GET ${V3}/voip/turnServer`, EVERYTHING, 'client_reader generic main'],
    // Only the main process has them.
    [`POST ${V3}/logout`, EVERYTHING, 'main'],
    [`POST ${V3}/rooms/!r/forget`, EVERYTHING, 'main'],
    ['GET /_matrix/key/v2/server', EVERYTHING, 'main'],
    // What only one process may write, others may read.
    [`GET ${V3}/pushrules/`, EVERYTHING, 'push_rules client_reader generic main'],
    [`HEAD ${V3}/pushrules/`, ['generic'], 'generic main'],
    [`PUT ${V3}/pushrules/global/room/!r`, EVERYTHING, 'push_rules'],
    [`PUT ${V3}/pushrules/global/room/!r`, ['generic'], 'main'],
    [`PUT ${V3}/pushrules/global/override/tags`, ['account_data'], 'main'],
    [`GET ${V3}/presence/@u/status`, ['generic'], 'generic main'],
    [`PUT ${V3}/presence/@u/status`, ['generic'], 'main'],
    [`PUT ${V3}/presence/@u/status`, EVERYTHING, 'presence main'],
    [`PUT ${V3}/user/@u/account_data/m.direct`, EVERYTHING, 'account_data main'],
    [`GET ${V3}/user/@u/account_data/m.direct`, ['client_reader'], 'client_reader main'],
    [`PUT ${V3}/rooms/!r/typing/@u`, EVERYTHING, 'typing'],
    [`PUT ${V3}/rooms/!r/typing/@u`, ['generic'], 'main'],
    [`GET /_synapse/admin/v2/users/@u`, EVERYTHING, 'client_reader generic main'],
    [`PUT /_synapse/admin/v2/users/@u`, EVERYTHING, 'main'],
    // The main process has no media repository where a worker has one, and no session that a worker began.
    ['GET /_matrix/media/v3/download/a/b', EVERYTHING, 'media'],
    ['POST /_synapse/admin/v1/media/quarantine/a/b', EVERYTHING, 'quarantined_media_changes media'],
    ['POST /_synapse/admin/v1/media/quarantine/a/b', ['media'], 'media'],
    ['GET /_matrix/media/v3/download/a/b', ['generic'], 'main'],
    [`GET ${V3}/login/sso/redirect`, EVERYTHING, 'sso'],
    [`GET ${V3}/login/sso/redirect`, ['generic'], 'main'],
    ['PUT /_matrix/federation/v1/send/1', EVERYTHING, 'federation_inbound generic main'],
    ['GET /_matrix/federation/v1/state_ids/!r', EVERYTHING, 'federation_reader generic main'],
  ])('%s with %j: %s', (line, pools, expected) => {
    expect(order(line, pools)).toBe(expected);
  });

  it('says why in one sentence, with the line of the documentation', () => {
    const why = (line: string, ...pools: PoolName[]) => chooser(...pools)(request(line)).plan.why;
    expect(why(`PUT ${V3}/rooms/!r/send/m.x/1`, 'event_creator', 'generic')).toBe(
      '/_matrix/client/(api/v1|r0|v3|unstable)/rooms/.*/send (Synapse 1.160, docs/workers.md line 281): event_creator, by room; generic, then the main process where it cannot be had',
    );
    expect(why('GET /_matrix/media/v3/download/a/b', 'media')).toMatch(/: media; nobody else can$/);
    expect(why(`POST ${V3}/createRoom`, 'media')).toMatch(
      /: no event_creator or generic is configured: the main process$/,
    );
    expect(why(`POST ${V3}/logout`)).toBe('no worker of Synapse 1.160 takes this path: the main process');
  });
});

describe('what a request is spread by', () => {
  it.each<[string, Partial<PoolRequest>, object]>([
    [`GET ${V3}/sync`, { authorization: () => TOKEN }, { by: 'user', value: 'alice' }],
    [`GET ${V3}/sync?since=1&access_token=${TOKEN.slice(7)}`, {}, { by: 'user', value: 'alice' }],
    [`GET ${V3}/sync`, { authorization: () => 'Bearer mct_1' }, { by: 'token', token: 'mct_1' }],
    [`GET ${V3}/sync`, {}, { by: 'none' }],
    [`POST ${V3}/createRoom`, { authorization: () => TOKEN }, { by: 'user', value: 'alice' }],
    [`GET ${V3}/rooms/!r%3Ab/messages`, {}, { by: 'room', value: '!r:b' }],
    [`GET ${V3}/rooms/!r:b/messages`, {}, { by: 'room', value: '!r:b' }],
    [`PUT ${V3}/rooms/!r%/send/m.x/1`, {}, { by: 'room', value: '!r%' }],
    [`POST ${V3}/join/%23a:b?x=/rooms/!r`, {}, { by: 'room', value: '#a:b' }],
    [`POST ${V3}/knock/!r`, {}, { by: 'room', value: '!r' }],
    [`POST ${V3}/join/`, {}, { by: 'none' }],
    [`GET ${V3}/profile/%40u:b/avatar_url`, {}, { by: 'path-user', value: '@u:b' }],
    ['PUT /_matrix/federation/v1/send/1', { origin: () => 'a.example' }, { by: 'origin', value: 'a.example' }],
    ['PUT /_matrix/federation/v1/send/1', {}, { by: 'address', value: '192.0.2.1' }],
    [
      'GET /_matrix/federation/v1/state_ids/!r?event_id=$e',
      {},
      { by: 'uri', value: '/_matrix/federation/v1/state_ids/!r?event_id=$e' },
    ],
    ['GET /_matrix/media/v3/download/a/b', {}, { by: 'none' }],
    [`GET ${V3}/joined_rooms`, { authorization: () => TOKEN }, { by: 'none' }],
  ])('%s', (line, more, key) => {
    expect(chooser(...EVERYTHING)(request(line, more)).key).toEqual(key);
  });

  it('is nothing where there is one instance, so that nobody is asked whose token it is', () => {
    const asked = { authorization: () => expect.fail('the token was read'), origin: () => expect.fail('asked') };
    const choose = createPoolChooser(new Map([['sync', 1] as const, ['federation_inbound', 1] as const]));
    expect(choose(request(`GET ${V3}/sync`, asked)).key).toEqual({ by: 'none' });
    expect(choose(request('PUT /_matrix/federation/v1/send/1', asked)).key).toEqual({ by: 'none' });
  });
});

describe('routing to workers', () => {
  it('costs under 2 µs a request with the full table', () => {
    const choose = chooser(...EVERYTHING);
    const endpoints = compileEndpoints();
    const requests = [
      request(`GET ${V3}/sync?since=s72594_4483_1934_1_1_1_1_1&timeout=30000`, { authorization: () => TOKEN }),
      request(`PUT ${V3}/rooms/!OEassajhhkasLULVAa%3Amatrix.org/send/m.room.encrypted/m1700000000000.12`),
      request(`GET ${V3}/rooms/!OEassajhhkasLULVAa:matrix.org/messages?from=t1-2&dir=b&limit=50`),
      request('PUT /_matrix/federation/v1/send/1700000000000', { origin: () => 'matrix.org' }),
      request('GET /_matrix/federation/v1/state_ids/!OEassajhhkasLULVAa:matrix.org?event_id=%24abc'),
      request(`PUT ${V3}/user/@alice:example.com/rooms/!OEassajhhkas:matrix.org/account_data/m.fully_read`),
      request(`POST ${V3}/logout`),
    ];
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 60; round++) {
      const begin = performance.now();
      for (let again = 0; again < 200; again++) {
        for (const each of requests) {
          endpoints(each.target, each.target.length);
          choose(each);
        }
      }
      least = Math.min(least, performance.now() - begin);
    }
    expect((least * 1_000) / (200 * requests.length)).toBeLessThan(2);
  });
});
