import { applyConnectTo, type ConnectTo } from '../discovery/connect-to.ts';
import type { DiscoveryDeps } from '../discovery/fetch-well-known.ts';
import { whyNotPublic } from '../discovery/refuse-private.ts';
import type { Resolution } from '../discovery/resolution.ts';
import type { AddressFacts, PlaceFacts } from './facts.ts';
import { isDead } from './judge-connections.ts';
import { meantPlace } from './meant-place.ts';
import { MAX_KEYS } from './probe-address.ts';
import { TARGETS } from './probe-targets.ts';
import type { TestBudget } from './test-budget.ts';

/**
 * Where nobody answers on the port that other servers are sent to, the homeserver is often on the other usual one. Asks
 * there for the keys, so that the finding can say so.
 */
export async function gatherOtherPort(
  addresses: readonly AddressFacts[],
  resolution: Resolution,
  { names }: DiscoveryDeps,
  options: { readonly allowPrivate: boolean; readonly connectTo?: readonly ConnectTo[] | undefined },
  budget: TestBudget,
): Promise<PlaceFacts | undefined> {
  const meant = meantPlace(resolution);
  if (meant === undefined || addresses.length === 0 || !addresses.every(isDead)) return undefined;
  const port = meant.port === 443 ? 8448 : 443;
  const to = applyConnectTo(options.connectTo ?? [], meant.host, port);
  const lookup = await budget.within((until) => names.lookupHost(to.host, until));
  const address = lookup?.addresses[0];
  if (address === undefined || (!options.allowPrivate && whyNotPublic(address) !== undefined)) return undefined;
  const keys = await budget.ask({
    address,
    port: to.port,
    certificateName: resolution.certificateName,
    host: resolution.hostHeader,
    target: TARGETS.keys,
    maxBody: MAX_KEYS,
  });
  return { host: meant.host, port, address, keys };
}
