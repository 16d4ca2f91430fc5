import { isIP } from 'node:net';
import { type CidrSet, plainAddress } from '../base/cidr.ts';

/** Who a request is from, and how that is known. */
export interface ClientAddress {
  readonly address: string;
  /** True when the peer is a trusted proxy, whose other claims (protocol, request id) are believed too. */
  readonly viaTrustedProxy: boolean;
  readonly why: string;
}

/** How many elements of X-Forwarded-For are looked at, from the right; a longer chain is nobody's real set-up. */
const MOST_HOPS = 16;

/**
 * The client's address: the peer's own, unless the peer is a trusted proxy. Then X-Forwarded-For is read from the
 * right, past other trusted proxies, to the first address that none of them vouches for as one of theirs.
 */
export function decideClientAddress(peer: string, forwardedFor: string | undefined, trusted: CidrSet): ClientAddress {
  if (!trusted.contains(peer)) return { address: peer, viaTrustedProxy: false, why: 'the connection is from there' };
  const hops = (forwardedFor ?? '').split(',').slice(-MOST_HOPS).reverse();
  let nearest = peer;
  for (const hop of hops) {
    const address = readHop(hop);
    if (address === undefined) break;
    nearest = address;
    if (!trusted.contains(address)) return { address, viaTrustedProxy: true, why: `said by the trusted proxy ${peer}` };
  }
  return { address: nearest, viaTrustedProxy: true, why: 'only trusted proxies are named' };
}

/** One element: an address, perhaps with a port (`192.0.2.1:443`, `[2001:db8::1]:443`). */
function readHop(text: string): string | undefined {
  const bare = text.trim();
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(bare);
  if (bracketed !== null) return isIP(bracketed[1]!) === 6 ? bracketed[1]! : undefined;
  const withoutPort = /^([\d.]+):\d+$/.exec(bare)?.[1] ?? bare;
  return isIP(withoutPort) === 0 ? undefined : plainAddress(withoutPort);
}
