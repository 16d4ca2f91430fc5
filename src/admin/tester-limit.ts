import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from '../base/cidr.ts';
import type { System } from '../base/system.ts';

export interface TesterLimitSlice {
  /** Tests that a client's network may begin at once. */
  readonly burst: number;
  /** Milliseconds until it may begin one more. */
  readonly every: number;
}

/** How often a network may begin a test. */
export interface TesterLimit {
  /** Takes one; else how many milliseconds there are to wait. */
  take(client: string): { readonly ok: true } | { readonly ok: false; readonly wait: number };
}

/** More networks than this at a time share what is left: memory is ours, not that of strangers. */
const MOST_NETWORKS = 10_000;

export function createTesterLimit(
  { burst, every }: TesterLimitSlice,
  { system }: { readonly system: System },
): TesterLimit {
  // When all that a network has taken will have grown back; a token bucket in one number.
  const fullAt = new Map<string, number>();

  return {
    take(client) {
      const now = system.monotonic();
      if (fullAt.size >= MOST_NETWORKS) for (const [network, at] of fullAt) if (at <= now) fullAt.delete(network);
      const known = networkOf(client);
      const network = fullAt.size >= MOST_NETWORKS && !fullAt.has(known) ? 'others' : known;
      const next = Math.max(now, fullAt.get(network) ?? 0) + every;
      const wait = next - now - burst * every;
      if (wait > 0) return { ok: false, wait };
      fullAt.set(network, next);
      return { ok: true };
    },
  };
}

/** What one party has: an IPv4 address, or the /56 of an IPv6 address. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (isIPv4(plain) || !isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.toLowerCase().split('%')[0]!.split('::');
  const [first, last] = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const missing = plain.includes('::') ? Math.max(0, 8 - first!.length - last!.length) : 0;
  const groups = [...first!, ...Array<string>(missing).fill('0'), ...last!].map((group) => Number.parseInt(group, 16));
  const [a = 0, b = 0, c = 0, d = 0] = groups;
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':')}::/56`;
}
