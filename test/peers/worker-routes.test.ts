import { describe, expect, it } from 'vitest';
import { ENDPOINT_ROWS } from '../../src/matrix/endpoint-table.ts';
import { type PoolName, STREAMS, WORKER_POOLS } from '../../src/matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { createPoolChooser, type PoolPlan } from '../../src/route/choose-pool.ts';
import { samplePaths, toRegExp } from '../matrix/worker-route-samples.ts';
import { findWorkersDocument, type ListedPath, readListedPaths } from './workers-document.ts';

const document = findWorkersDocument();
const missing = 'missing' in document ? document.missing : undefined;
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') throw new Error(missing);
if (missing !== undefined) console.warn(`Skipped: ${missing}`);

/** The pool that is meant by what stands above a list in the document; streams have headings of their own. */
const GENERIC: Readonly<Record<string, PoolName>> = {
  'Sync requests': 'sync',
  'Federation requests': 'federation_reader',
  'Inbound federation transaction request': 'federation_inbound',
  'Client API requests': 'client_reader',
  'Admin API requests': 'client_reader',
  'Encryption requests': 'client_reader',
  'Registration/login requests': 'client_reader',
  'Event sending requests': 'event_creator',
  'User directory search requests': 'user_directory',
  'Unstable MSC4140 support': 'client_reader',
  'Push rules requests': 'client_reader',
  'Account data requests': 'client_reader',
  'Presence requests': 'client_reader',
  'for the room are in flight:': 'pagination',
  'for all SSO providers': 'sso',
  'OpenID Connect requests.': 'sso',
  'SAML requests.': 'sso',
  'CAS requests.': 'sso',
};
const OTHERS: Readonly<Record<string, PoolName>> = {
  'Updating the User Directory': 'user_directory',
  '`synapse.app.user_dir`': 'user_directory',
  '`synapse.app.media_repository`': 'media',
};
/** Sending an event in all but name: the state of a new room. */
const CREATES_EVENTS = /\/createRoom\$$/;

const IS_GENERIC = '`synapse.app.generic_worker`';

function meantPool({ heading, under, pattern }: ListedPath): PoolName | undefined {
  if (heading === IS_GENERIC) return CREATES_EVENTS.test(pattern) ? 'event_creator' : GENERIC[under];
  const stream = /^The `(\w+)` stream$/.exec(heading)?.[1];
  return stream === undefined ? OTHERS[heading] : STREAMS.find((name) => name === stream);
}

function planFor(pools: readonly PoolName[], method: string, target: string): PoolPlan {
  const request = {
    method,
    target,
    clientAddress: '192.0.2.1',
    authorization: () => undefined,
    origin: () => undefined,
  };
  return createPoolChooser(new Map(pools.map((pool) => [pool, 2])), WORKER_ROUTES)(request).plan;
}

/** Every sample of a list whose first pool is not the one that it should be. */
function misrouted(
  method: string,
  pools: readonly PoolName[],
  listed: readonly ListedPath[],
  expected: (path: ListedPath) => string | undefined,
): string[] {
  const choose = createPoolChooser(new Map(pools.map((pool) => [pool, 2])));
  return listed.flatMap((entry) =>
    samplePaths(entry.pattern).flatMap((path) => {
      const target = `${path}?since=1&from=1`;
      const request = { method, target, clientAddress: '', authorization: () => undefined, origin: () => undefined };
      const pool = choose(request).plan.pools[0] ?? 'main';
      const meant = expected(entry);
      return pool === meant ? [] : [`line ${entry.line}: ${method} ${path} goes to ${pool}, not to ${meant}`];
    }),
  );
}

const EVERYTHING: readonly PoolName[] = [...WORKER_POOLS, ...STREAMS];

describe.skipIf(missing !== undefined)(
  `The routes are those of Synapse's own documentation of workers${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    const listed = 'text' in document ? readListedPaths(document.text) : [];
    const generic = listed.filter(({ heading }) => heading === IS_GENERIC);
    const streams = listed.filter(({ heading }) => /^The `\w+` stream$/.test(heading));
    const pools = [...new Set(listed.map(meantPool))].filter((pool) => pool !== undefined);

    it('lists paths, each under something that is known here', () => {
      expect(listed.length).toBeGreaterThan(100);
      expect(listed.filter((path) => meantPool(path) === undefined)).toEqual([]);
      expect(pools.toSorted()).toEqual(
        // Stream writers that the document does not mention, and pools that have no list of their own.
        EVERYTHING.filter(
          (pool) => !['generic', 'initial_sync', 'sliding_sync', 'thread_subscriptions'].includes(pool),
        ).toSorted(),
      );
    });

    it.each(pools)('sends what is listed for it to the pool %s, when that is the only one', (pool) => {
      const own = listed.filter((path) => meantPool(path) === pool);
      expect(own.length).toBeGreaterThan(0);
      expect(misrouted('GET', [pool], own, () => pool)).toEqual([]);
      expect(misrouted('PUT', [pool], own, ({ readOnly }) => (readOnly ? 'main' : pool))).toEqual([]);
    });

    it('sends what is listed to the pool that is made for it, when there are all of them', () => {
      const writers = new Map(streams.map((path) => [path.pattern, meantPool(path)]));
      const best = (path: ListedPath) =>
        // The document prefers the writer of a stream to any worker, and a worker of their own for initial syncs.
        writers.get(path.pattern) ?? (path.pattern.endsWith('/initialSync$') ? 'initial_sync' : meantPool(path));
      expect(misrouted('GET', EVERYTHING, listed, best)).toEqual([]);
    });

    it('sends what any worker can take to generic workers, when there are no others', () => {
      // Of several generic workers, none could be told from the others for a whole login.
      const isSso = (path: ListedPath) => meantPool(path) === 'sso';
      expect(misrouted('GET', ['generic'], generic, (path) => (isSso(path) ? 'main' : 'generic'))).toEqual([]);
      const writes = (path: ListedPath) => (isSso(path) || path.readOnly ? 'main' : 'generic');
      expect(misrouted('POST', ['generic'], generic, writes)).toEqual([]);
    });

    it('sends initial syncs to the pool of that name', () => {
      for (const { pattern } of generic.filter((path) => meantPool(path) === 'sync')) {
        for (const path of samplePaths(pattern)) {
          expect(planFor(['sync', 'initial_sync'], 'GET', path).pools, path).toEqual(['initial_sync', 'sync']);
        }
      }
    });

    it('sends everything else to the main process', () => {
      const expressions = listed.map(({ pattern }) => toRegExp(pattern));
      const elsewhere = WORKER_ROUTES.filter(({ source, pools }) => typeof source === 'string' && pools.length > 0);
      const beyond = elsewhere.map(({ pattern }) => toRegExp(pattern));
      const known = ENDPOINT_ROWS.map(({ pattern }) => pattern.replaceAll(/\{[^}]+\}/g, 'x').replace('**', 'x'));
      const paths = [...known, ...MAIN_ALONE].filter((path) => !beyond.some((expression) => expression.test(path)));
      const isListed = (path: string) => expressions.some((expression) => expression.test(path));
      const wrong = paths.filter((path) => isListed(path) !== planFor(EVERYTHING, 'GET', path).pools.length > 0);
      expect(wrong).toEqual([]);
      expect(MAIN_ALONE.filter(isListed)).toEqual([]);
      expect(paths.filter((path) => !isListed(path)).length).toBeGreaterThan(50);
    });

    it('has no route that the document does not have, but those that say where else they are from', () => {
      const patterns = new Set(listed.map(({ pattern }) => pattern));
      const own = WORKER_ROUTES.filter(({ source, pattern }) => typeof source === 'number' && !patterns.has(pattern));
      expect(own.map(({ pattern }) => pattern)).toEqual([]);
    });
  },
);

/** Endpoints whose servlets only the main process registers (synapse/rest/__init__.py), and others that are not listed. */
const MAIN_ALONE: readonly string[] = [
  '/_matrix/client/v3/logout',
  '/_matrix/client/v3/logout/all',
  '/_matrix/client/v3/refresh',
  '/_matrix/client/v3/pushers',
  '/_matrix/client/v3/pushers/set',
  '/_matrix/client/v3/auth/m.login.recaptcha/fallback/web',
  '/_matrix/client/v3/rooms/!r:a/report/$e',
  '/_matrix/client/v3/rooms/!r:a/report',
  '/_matrix/client/v3/rooms/!r:a/upgrade',
  '/_matrix/client/v3/rooms/!r:a/forget',
  '/_matrix/client/v3/user/@u:a/openid/request_token',
  '/_matrix/client/v3/thirdparty/protocols',
  '/_matrix/client/v3/account/password',
  '/_matrix/client/v3/account/3pid/add',
  '/_matrix/client/v3/account/3pid/email/requestToken',
  '/_matrix/client/v3/register/email/requestToken',
  '/_matrix/client/v3/directory/list/room/!r:a',
  '/_matrix/client/v3/directory/list/appservice/n/!r:a',
  '/_matrix/client/v1/login/get_token',
  '/_matrix/client/v1/appservice/a/ping',
  '/_matrix/client/unstable/org.matrix.msc4108/rendezvous',
  '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/1/cancel',
  '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/1',
  '/_synapse/client/rendezvous/1',
  '/_synapse/client/unsubscribe',
  '/_synapse/admin/v1/register',
  '/_synapse/admin/v1/rooms',
  '/_synapse/admin/v1/rooms/!r:a/members',
  '/_synapse/admin/v2/rooms/!r:a',
  '/_synapse/admin/v1/users/@u:a/login',
  '/_synapse/mas/query_user',
  '/_synapse/metrics',
  '/_matrix/federation/v1/openid/userinfo',
  '/_matrix/federation/v1/user/keys/query',
  '/_matrix/federation/v1/user/keys/claim',
  '/_matrix/federation/v1/3pid/onbind',
  '/_matrix/key/v2/server',
  '/health',
];
