import { createHash } from 'node:crypto';
import type { Exchange } from '../forward/exchange.ts';
import { listClaimedOrigins } from '../matrix/claimed-origins.ts';
import type { PoolDecision } from '../route/choose-pool.ts';
import type { Decision } from '../route/decision.ts';
import type { RequestFacts } from './request-facts.ts';
import type { Runtime } from './runtime.ts';
import type { Way } from './workers.ts';

/** Where a request to a homeserver with workers goes. */
export interface ChosenPlace {
  readonly way: Way;
  /** Of workers, in their order; none: the main process. */
  readonly pools: readonly string[];
  /**
   * What the instance is chosen by. A promise where the homeserver has to be asked whose token it is; never rejects.
   * Undefined where there is nothing to choose, or nothing to choose by.
   */
  findKey(): string | undefined | Promise<string | undefined>;
  /** The same without waiting: by the token itself, where it is not known whose it is. */
  findKeyNow(): string | undefined;
}

type Asking = Pick<Exchange, 'method' | 'target' | 'headers'>;

/** By the pools of the server that `decision` is for; it has some. */
export function choosePlace(
  exchange: Asking,
  facts: Pick<RequestFacts, 'client'>,
  decision: Decision & { readonly do: 'forward' },
  runtime: Pick<Runtime, 'workers'>,
): ChosenPlace {
  const { workers } = runtime;
  const { server } = decision;
  const { plan, key } = choosePool(exchange, facts.client.address, decision);
  const way = workers.find(server, plan);
  const readUser = (token: string): string | undefined | Promise<string | undefined> => {
    const userAgent = readField(exchange.headers, 'user-agent');
    return workers.usersOf(server)?.userOf(token, { clientAddress: facts.client.address, userAgent });
  };
  const findKey = (): string | undefined | Promise<string | undefined> => {
    if (key.by === 'none') return undefined;
    if (key.by !== 'token') return key.value;
    if (!way.isChoice()) return undefined;
    const user = readUser(key.token);
    return user instanceof Promise
      ? user.then((found) => found ?? hideToken(key.token))
      : (user ?? hideToken(key.token));
  };
  return {
    way,
    pools: plan.pools,
    findKey,
    findKeyNow() {
      const found = findKey();
      return !(found instanceof Promise) ? found : key.by === 'token' ? hideToken(key.token) : undefined;
    },
  };
}

/** The decision alone, for `explain` as well. */
export function choosePool(
  { method, target, headers }: Asking,
  clientAddress: string,
  { pools }: Decision & { readonly do: 'forward' },
): PoolDecision {
  return pools!({
    method,
    target,
    clientAddress,
    authorization: () => readField(headers, 'authorization'),
    origin: () => listClaimedOrigins(headers)[0],
  });
}

/** A key lives as long as its connection; a token must not. */
function hideToken(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/** The value of the first field of this name, in lower case; `headers` are flat pairs. */
function readField(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.length === name.length && headers[index]!.toLowerCase() === name) return headers[index + 1];
  }
  return undefined;
}
