import type { BalancingKey, Failover, PoolName } from './worker-pools.ts';

/** The version of Synapse whose documentation the routes follow; `line` is of its docs/workers.md. */
export const ROUTES_VERSION = '1.160';

/** Which endpoints may go to which workers. */
export interface WorkerRoute {
  /**
   * Of the raw, still encoded path, in the notation of Synapse's documentation without the `^`: a regular expression of
   * literals, `.*` (which crosses slashes), `[^/]+`, `(a|b)` and `$`; without `$` it is the beginning of the path.
   */
  readonly pattern: string;
  /** The pools that can take it, the one made for it first. Empty: the main process alone. */
  readonly pools: readonly PoolName[];
  /** Further pools, for GET and HEAD alone. */
  readonly reads?: readonly PoolName[];
  /** What is an initial sync goes to that pool before the others: always, or where this parameter is not given. */
  readonly initial?: 'always' | 'since' | 'from';
  readonly key: BalancingKey;
  readonly failover: Failover;
  /** The line of docs/workers.md where it is listed, or what else says so. */
  readonly source: number | string;
}

type Said = Omit<WorkerRoute, 'pattern' | 'source'>;

/** Lists routes that have all in common but path and source. */
function routes(prefix: string, said: Said, rows: readonly (readonly [number | string, string])[]): WorkerRoute[] {
  return rows.map(([source, path]) => ({ pattern: `${prefix}${path}`, ...said, source }));
}

const ALL = '/_matrix/client/(api/v1|r0|v3|unstable)/';
const R0_ON = '/_matrix/client/(r0|v3|unstable)/';
const STABLE = '/_matrix/client/(api/v1|r0|v3)/';
const V1 = '/_matrix/client/v1/';
const FEDERATION = '/_matrix/federation/';
const ADMIN = '/_synapse/admin/';

const readers: Said = { pools: ['client_reader', 'generic'], key: 'none', failover: 'main' };
const creators: Said = { pools: ['event_creator', 'generic'], key: 'room', failover: 'main' };
const syncs: Said = { pools: ['sync', 'generic'], key: 'user', failover: 'main' };
const media: Said = { pools: ['media'], key: 'none', failover: 'none' };
const quarantine: Said = { pools: ['quarantined_media_changes', 'media'], key: 'none', failover: 'none' };
const sso: Said = { pools: ['sso'], key: 'none', failover: 'none' };
const federation: Said = { pools: ['federation_reader', 'generic'], key: 'uri', failover: 'main' };
const deviceLists: Said = { pools: ['device_lists', 'client_reader', 'generic'], key: 'none', failover: 'main' };
const receipts: Said = { pools: ['receipts'], key: 'none', failover: 'main' };
/** Workers have no servlet for these (synapse/rest/__init__.py and the `register_servlets` of each file). */
const main: Said = { pools: [], key: 'none', failover: 'main' };
/** One writer, to which every process passes on what it gets: the main process can answer, if more slowly. */
const writer = (stream: PoolName, more: Partial<Said> = {}): Said => {
  return { pools: [stream], key: 'none', failover: 'main', ...more };
};
const alsoRead = { reads: ['client_reader', 'generic'] } as const;

/**
 * The routes of a Synapse with workers; the first whose pattern matches decides. Room ids, event types and transaction
 * ids are anybody's choice, so routes whose `.*` could take one of those for a word of their own come last.
 */
export const WORKER_ROUTES: readonly WorkerRoute[] = [
  ...routes(ALL, main, [
    ['rest/client/account.py', 'account/3pid/'],
    ['rest/client/directory.py', 'directory/list/'],
    ['rest/client/room.py', 'rooms/[^/]+/(forget|upgrade|report)'],
    ['rest/client/register.py', 'register/(email|msisdn)/'],
  ]),
  ...routes('', main, [
    ['rest/client/openid.py', '/_matrix/federation/v1/openid/userinfo$'],
    ['rest/key/v2', '/_matrix/key/v2/server'],
  ]),

  ...routes(`${ADMIN}v1/`, quarantine, [
    [579, 'quarantine_media/.*$'],
    [580, 'room/.*/media/quarantine$'],
    [581, 'user/.*/media/quarantine$'],
    [582, 'media/quarantine/.*$'],
    [583, 'media/unquarantine/.*$'],
  ]),
  ...routes('', media, [
    [782, '/_matrix/media/'],
    [783, '/_matrix/client/v1/media/'],
    [784, '/_matrix/federation/v1/media/'],
    [788, `${ADMIN}v1/purge_media_cache$`],
    [789, `${ADMIN}v1/room/.*/media.*$`],
    [790, `${ADMIN}v1/user/.*/media.*$`],
    [791, `${ADMIN}v1/media/.*$`],
    [793, `${ADMIN}v1/users/.*/media$`],
  ]),

  ...routes('', { ...syncs, initial: 'since' }, [[200, '/_matrix/client/(r0|v3)/sync$']]),
  ...routes(STABLE, { ...syncs, initial: 'from' }, [[201, 'events$']]),
  ...routes(STABLE, { ...syncs, initial: 'always' }, [
    [202, 'initialSync$'],
    [203, 'rooms/[^/]+/initialSync$'],
  ]),
  ...routes('/_matrix/client/', { ...syncs, pools: ['sliding_sync'] }, [
    ['rest/client/sync.py', 'unstable/org.matrix.simplified_msc3575/sync$'],
    ['MSC4186', 'v4/sync$'],
  ]),

  ...routes(ALL, sso, [
    [321, 'login/sso/redirect'],
    [334, 'login/cas/ticket$'],
  ]),
  ...routes('/_synapse/client/', sso, [
    [322, 'pick_idp$'],
    [323, 'pick_username'],
    [324, 'new_user_consent$'],
    [325, 'sso_register$'],
    [328, 'oidc/callback$'],
    [331, 'saml2/authn_response$'],
  ]),

  ...routes(FEDERATION, { pools: ['federation_inbound', 'generic'], key: 'origin', failover: 'main' }, [
    [229, 'v1/send/'],
  ]),
  ...routes(FEDERATION, federation, [
    [206, 'v1/version$'],
    [207, 'v1/event/'],
    [208, 'v1/state/'],
    [209, 'v1/state_ids/'],
    [210, 'v1/backfill/'],
    [211, 'v1/get_missing_events/'],
    [212, 'v1/publicRooms'],
    [213, 'v1/query/'],
    [214, 'v1/make_join/'],
    [215, 'v1/make_leave/'],
    [216, '(v1|v2)/send_join/'],
    [217, '(v1|v2)/send_leave/'],
    [218, 'v1/make_knock/'],
    [219, 'v1/send_knock/'],
    [220, '(v1|v2)/invite/'],
    [221, 'v1/event_auth/'],
    [222, 'v1/timestamp_to_event/'],
    [223, 'v1/exchange_third_party_invite/'],
    [224, 'v1/user/devices/'],
    [226, 'v1/hierarchy/'],
  ]),
  ...routes('', federation, [[225, '/_matrix/key/v2/query']]),

  ...routes(ALL, creators, [
    [280, 'rooms/.*/redact'],
    [281, 'rooms/.*/send'],
    [282, 'rooms/.*/state/'],
    [283, 'rooms/.*/(join|invite|leave|ban|unban|kick)$'],
    [284, 'join/'],
    [285, 'knock/'],
  ]),
  ...routes(ALL, { ...creators, key: 'path-user' }, [[286, 'profile/']]),
  ...routes(ALL, { ...creators, key: 'user' }, [[232, 'createRoom$']]),
  ...routes(ALL, { pools: ['pagination', 'client_reader', 'generic'], key: 'room', failover: 'main' }, [
    [314, 'rooms/.*/messages$'],
  ]),

  // Any process but the writer answers 500 (rest/client/room.py, "is not typing writer").
  ...routes(ALL, writer('typing', { failover: 'none' }), [[520, 'rooms/.*/typing']]),
  ...routes(R0_ON, writer('to_device'), [[527, 'sendToDevice/']]),
  ...routes(R0_ON, receipts, [
    [543, 'rooms/.*/receipt'],
    [544, 'rooms/.*/read_markers'],
  ]),
  ...routes(ALL, writer('presence', alsoRead), [[551, 'presence/']]),
  // Any process but the writer answers a PUT with 500 (rest/client/push_rule.py).
  ...routes(ALL, writer('push_rules', { ...alsoRead, failover: 'reads' }), [[558, 'pushrules/']]),
  // Not in workers.md; only the writer can write (storage/databases/main/thread_subscriptions.py).
  ...routes('/_matrix/client/unstable/', writer('thread_subscriptions', { failover: 'reads' }), [
    ['docker/configure_workers_and_start.py', 'io.element.msc4306/'],
  ]),
  ...routes('/_matrix/client/(r0|v3)/', deviceLists, [[566, 'delete_devices$']]),
  ...routes(ALL, deviceLists, [
    [567, 'devices(/|$)'],
    [569, 'keys/device_signing/upload$'],
    [570, 'keys/signatures/upload$'],
  ]),
  ...routes(R0_ON, deviceLists, [[568, 'keys/upload']]),

  ...routes(R0_ON, { ...readers, pools: ['user_directory', 'generic'] }, [[652, 'user_directory/search$']]),
  ...routes(ALL, readers, [
    [233, 'publicRooms$'],
    [234, 'rooms/.*/joined_members$'],
    [235, 'rooms/.*/context/.*$'],
    [236, 'rooms/.*/members$'],
    [237, 'rooms/.*/state$'],
    [249, 'voip/turnServer$'],
    [250, 'rooms/.*/event/'],
    [251, 'joined_rooms$'],
    [254, 'search$'],
    [256, 'directory/room/.*$'],
    [273, 'login$'],
  ]),
  ...routes('', readers, [
    [248, '/_matrix/client/versions$'],
    [239, '/_matrix/client/(v1|unstable)/rooms/.*/relations/'],
    [241, '/_matrix/client/unstable/im.nheko.summary/summary/.*$'],
    [253, '/_matrix/client/(api/v1|r0|v3|unstable/.*)/rooms/.*/aliases'],
    [292, '/_matrix/client/unstable/org.matrix.msc4140/delayed_events(/.*/restart)?$'],
    [261, `${ADMIN}v1/rooms/[^/]+$`],
  ]),
  ...routes(V1, readers, [
    [238, 'rooms/.*/hierarchy$'],
    [240, 'rooms/.*/threads$'],
    [242, 'room_summary/.*$'],
    [252, 'rooms/.*/timestamp_to_event$'],
    [276, 'register/m.login.registration_token/validity$'],
  ]),
  ...routes(R0_ON, readers, [
    [243, 'account/3pid$'],
    [244, 'account/whoami$'],
    [245, 'account/deactivate$'],
    [255, 'user/.*/filter(/|$)'],
    [257, 'capabilities$'],
    [258, 'notifications$'],
    [264, 'keys/query$'],
    [265, 'keys/changes$'],
    [266, 'keys/claim$'],
    [267, 'room_keys/'],
    [274, 'register$'],
    [275, 'register/available$'],
    [277, 'password_policy$'],
  ]),
  ...routes(ADMIN, { ...main, ...alsoRead }, [[307, 'v2/users/[^/]+$']]),

  ...routes(R0_ON, writer('account_data', alsoRead), [
    [534, '.*/tags'],
    [535, '.*/account_data'],
  ]),
];
