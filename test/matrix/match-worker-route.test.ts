import { describe, expect, it } from 'vitest';
import { ENDPOINT_ROWS } from '../../src/matrix/endpoint-table.ts';
import { compileWorkerRoutes } from '../../src/matrix/match-worker-route.ts';
import { readPathPattern } from '../../src/matrix/path-pattern.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { createPlainMatcher, samplePaths, toRegExp } from './worker-route-samples.ts';

const match = compileWorkerRoutes();
const poolOf = (path: string): string => match(path, path.length)?.pools[0] ?? 'main';
const plain = createPlainMatcher();

describe('a path goes to the workers that Synapse documents for it', () => {
  it.each([
    ['/_matrix/client/v3/sync', 'sync'],
    ['/_matrix/client/r0/sync', 'sync'],
    ['/_matrix/client/v1/sync', 'main'],
    ['/_matrix/client/v3/sync/', 'main'],
    ['/_matrix/client/v3/events', 'sync'],
    ['/_matrix/client/v3/events/$e', 'main'],
    ['/_matrix/client/r0/rooms/!r/initialSync', 'sync'],
    ['/_matrix/client/r0/rooms/!a/b/initialSync', 'main'],
    ['/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', 'sliding_sync'],
    ['/_matrix/client/v3/createRoom', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/send/m.room.message/1', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/state/m.room.name', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/state', 'client_reader'],
    ['/_matrix/client/v3/rooms/!r/redact/$e/1', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/join', 'event_creator'],
    ['/_matrix/client/v3/join/%23a:b', 'event_creator'],
    ['/_matrix/client/v3/profile/@u:b/displayname', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/messages', 'pagination'],
    ['/_matrix/client/v3/rooms/!r/send/m.room.message/messages', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/send/tags/1', 'event_creator'],
    ['/_matrix/client/v3/rooms/!r/typing/@u', 'typing'],
    ['/_matrix/client/v3/sendToDevice/m.room.encrypted/1', 'to_device'],
    ['/_matrix/client/v3/user/@u/rooms/!r/tags/m.favourite', 'account_data'],
    ['/_matrix/client/v3/user/@u/account_data/m.direct', 'account_data'],
    ['/_matrix/client/v3/user/@u/filter', 'client_reader'],
    ['/_matrix/client/v3/user/@u/filters', 'main'],
    ['/_matrix/client/v3/rooms/!r/receipt/m.read/$e', 'receipts'],
    ['/_matrix/client/v3/presence/@u/status', 'presence'],
    ['/_matrix/client/v3/pushrules/global/override/tags', 'push_rules'],
    ['/_matrix/client/v3/keys/upload', 'device_lists'],
    ['/_matrix/client/v3/devices', 'device_lists'],
    ['/_matrix/client/v3/devices/ABC', 'device_lists'],
    ['/_matrix/client/v3/devicesABC', 'main'],
    ['/_matrix/client/v3/user_directory/search', 'user_directory'],
    ['/_matrix/client/unstable/org.matrix.msc4140/delayed_events', 'client_reader'],
    ['/_matrix/client/unstable/org.matrix.msc4140/delayed_events/1/restart', 'client_reader'],
    ['/_matrix/client/unstable/org.matrix.msc4140/delayed_events/1/send', 'main'],
    ['/_matrix/client/unstable/org.matrix.msc2432/rooms/!r/aliases', 'client_reader'],
    ['/_matrix/client/v3/directory/room/%23a:b', 'client_reader'],
    ['/_matrix/client/v3/directory/list/room/!r', 'main'],
    ['/_matrix/client/v3/account/3pid', 'client_reader'],
    ['/_matrix/client/v3/account/3pid/add', 'main'],
    ['/_matrix/client/v3/register', 'client_reader'],
    ['/_matrix/client/v3/register/email/requestToken', 'main'],
    ['/_matrix/client/v3/rooms/!r/forget', 'main'],
    ['/_matrix/client/v3/rooms/!r/report/$e', 'main'],
    ['/_matrix/client/v3/rooms/!r/upgrade', 'main'],
    ['/_matrix/client/v3/login', 'client_reader'],
    ['/_matrix/client/v3/login/sso/redirect/oidc', 'sso'],
    ['/_matrix/client/v3/logout', 'main'],
    ['/_synapse/client/oidc/callback', 'sso'],
    ['/_synapse/client/rendezvous', 'main'],
    ['/_matrix/client/unstable/org.matrix.msc4108/rendezvous', 'main'],
    ['/_matrix/media/v3/upload', 'media'],
    ['/_matrix/client/v1/media/download/a/b', 'media'],
    ['/_matrix/federation/v1/media/download/b', 'media'],
    ['/_synapse/admin/v1/room/!r/media', 'media'],
    ['/_synapse/admin/v1/room/!r/media/quarantine', 'quarantined_media_changes'],
    ['/_synapse/admin/v1/room/media/quarantine', 'main'],
    ['/_synapse/admin/v1/users/@u/media', 'media'],
    ['/_synapse/admin/v1/users/@u/media/x', 'main'],
    ['/_synapse/admin/v1/rooms/!r', 'client_reader'],
    ['/_synapse/admin/v1/rooms/!r/members', 'main'],
    ['/_matrix/federation/v1/send/1', 'federation_inbound'],
    ['/_matrix/federation/v2/send_join/!r/$e', 'federation_reader'],
    ['/_matrix/federation/v2/send/1', 'main'],
    ['/_matrix/federation/v1/user/keys/query', 'main'],
    ['/_matrix/federation/v1/openid/userinfo', 'main'],
    ['/_matrix/key/v2/server', 'main'],
    ['/_matrix/key/v2/query', 'federation_reader'],
    ['/_matrix/key/v2/query/hs/ed25519:a', 'federation_reader'],
    ['/_synapse/mas/query_user', 'main'],
    ['/', 'main'],
    ['', 'main'],
    ['/_matrix/client/v3', 'main'],
  ])('%s: %s', (path, pool) => {
    expect(poolOf(path)).toBe(pool);
  });

  it.each([
    ['/_matrix/client/v3/rooms/!a%2Fb/initialSync', 'sync'],
    ['/_matrix/client/v3%2Fsync', 'main'],
    ['/_matrix/client/v3/rooms%2F!r/messages', 'main'],
    ['/_matrix/client/v3/rooms/!r%2Fmessages', 'main'],
    ['/_matrix/client/v3/%73ync', 'main'],
    ['/_matrix/client/v3/rooms//messages', 'pagination'],
  ])('with percent-encoding left alone, as Synapse itself matches: %s: %s', (path, pool) => {
    expect(poolOf(path)).toBe(pool);
  });

  it('looks at the path alone, whatever the query holds', () => {
    const target = '/_matrix/client/v3/rooms/!r?x=/messages';
    expect(match(target, target.indexOf('?'))).toBeUndefined();
    const sync = '/_matrix/client/v3/sync?filter=/rooms/!r/send/x';
    expect(match(sync, sync.indexOf('?'))?.pools[0]).toBe('sync');
  });
});

describe('the table of routes', () => {
  it('is matched as its regular expressions are, one after the other', () => {
    const paths = [
      ...WORKER_ROUTES.flatMap((route) => samplePaths(route.pattern)),
      ...ENDPOINT_ROWS.map((row) => row.pattern.replaceAll(/\{[^}]+\}/g, 'x').replace('**', 'x')),
    ];
    const wrong = paths.filter((path) => match(path, path.length) !== plain(path));
    expect(paths.length).toBeGreaterThan(2_000);
    expect(wrong).toEqual([]);
  });

  it('has no route that another one hides', () => {
    const hidden = WORKER_ROUTES.filter(
      (route) => !samplePaths(route.pattern).some((path) => match(path, path.length) === route),
    );
    expect(hidden.map((route) => route.pattern)).toEqual([]);
  });

  it('has samples that match, so that the tests above say something', () => {
    const wrong = WORKER_ROUTES.flatMap(({ pattern }) =>
      samplePaths(pattern).filter((path) => !toRegExp(pattern).test(path)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('a pattern outside the notation is refused when it is compiled', () => {
  it.each(['sync$', '/a[bc]', '/a+', '/a/(b|(c|d))', '/a$b', '/a\\.b'])('%s', (pattern) => {
    expect(() => readPathPattern(pattern)).toThrow(TypeError);
  });

  it.each(['/a.*/b', '/a/.*b', '/a/$'])('%s, which the tree has no place for', (pattern) => {
    const route = { pattern, pools: [], key: 'none', failover: 'main', source: 1 } as const;
    expect(() => compileWorkerRoutes([route])).toThrow(TypeError);
  });
});
