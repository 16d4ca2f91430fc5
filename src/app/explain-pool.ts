import type { Config, ServerConfig } from '../config/config.ts';
import { hasName } from '../forward/instance.ts';
import { createStableChoice } from '../forward/stable-choice.ts';
import type { PoolDecision } from '../route/choose-pool.ts';
import type { Decision } from '../route/decision.ts';
import type { RoutingKey } from '../route/routing-key.ts';
import { choosePool } from './choose-place.ts';
import type { AskedRequest, Explanation } from './explanation.ts';

/** Which pool of workers a request would go to, by what the instance is chosen, and which that is while all are here. Pure. */
export function explainPool(
  decision: Decision & { readonly do: 'forward' },
  asked: AskedRequest,
  { servers }: Config,
): Explanation {
  const chosen = choosePool(asked, asked.clientAddress, decision);
  const server = servers.find(({ serverName }) => serverName.text === decision.server)!;
  const { plan } = chosen;
  const order = [...plan.pools, ...(plan.mainToo ? ['the main process'] : [])];
  const [first, ...others] = order;
  const stand = others.length === 0 ? '' : `, then ${others.join(', then ')}`;
  return [
    ['pool', plan.pools.length > 0 && !plan.mainToo ? `${first}${stand}; nobody else can` : `${first}${stand}`],
    ['why there', plan.why],
    ...(plan.pools.length === 0 ? [] : explainInstance(chosen, server)),
  ];
}

function explainInstance({ plan, key }: PoolDecision, { workers, homeserver }: ServerConfig): Explanation {
  const places = (workers?.pools[plan.pools[0]!] ?? homeserver.instances).map(({ text }) => text);
  const names = (workers?.pools[plan.pools[0]!] ?? []).some(hasName);
  const several = names ? ' (a name that leads to several addresses is as many workers)' : '';
  if (places.length === 1) return [['worker', `${places[0]}${several}`]];
  if (plan.key === 'none') return [['worker', `the least busy of ${places.join(', ')}`]];
  return [
    ['key', describeKey(plan.key, key)],
    ['worker', describeChoice(key, places)],
  ];
}

/** What would be needed to say more. */
const WITHOUT = {
  user: 'the user of its access token; --user says whose',
  room: 'none: the path has no room',
  'path-user': 'none: the path has no user',
} as const;

function describeKey(kind: PoolDecision['plan']['key'], key: RoutingKey): string {
  switch (key.by) {
    case 'none':
      return kind === 'user' || kind === 'room' || kind === 'path-user' ? WITHOUT[kind] : 'none';
    case 'token':
      return 'the user of the token, of which the main process is asked once';
    case 'uri':
      return 'the whole request target';
    case 'address':
      return `the client's address, ${key.value}; --origin says which server`;
    case 'origin':
      return `the server ${key.value}`;
    case 'room':
      return `the room ${key.value}`;
    case 'user':
    case 'path-user':
      return `the user ${key.value}`;
  }
}

function describeChoice(key: RoutingKey, places: readonly string[]): string {
  const all = places.join(', ');
  if (key.by === 'none') return `the least busy of ${all}`;
  if (key.by === 'token') return `one of ${all}`;
  return `${places[createStableChoice(places)(key.value)]}, of ${all}`;
}
