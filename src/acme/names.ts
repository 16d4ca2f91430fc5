import { createHash } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import type { Identifier } from './solver.ts';

/** A name that a certificate has to cover, and why, for the person who asks. */
export interface NeededName {
  /** A DNS name, perhaps with `*.` before it, or an address without brackets. */
  readonly name: string;
  readonly why: string;
}

/** What one server needs. Which names those are is derived elsewhere. */
export interface ServerNames {
  /** The server name, for messages. */
  readonly server: string;
  readonly needed: readonly NeededName[];
}

/** The names of one certificate. */
export interface NameSet {
  /** What the set is called in the store and in the ledger; depends on `names` alone. */
  readonly id: string;
  /** Lower case, sorted by code unit, no doubles, addresses in their shortest form without brackets; at least one. */
  readonly names: readonly string[];
  /** The servers that need it, in the configuration's order. */
  readonly servers: readonly string[];
  /** The certificate profile without which no CA would sign it; undefined where any will do. */
  readonly requiredProfile: 'shortlived' | undefined;
  readonly why: string;
}

/**
 * Which certificates are needed. Each server gets one of its own, whatever the other servers need, so that a change
 * to one never changes another's: a CA limits certificates per exact set of names. Servers that need exactly the same
 * names share one. Addresses are kept apart from names: they live only days, and what keeps an address from being
 * proved must not cost the names their certificate.
 */
export function planSets(servers: readonly ServerNames[]): NameSet[] {
  const sets = new Map<string, { names: string[]; servers: string[]; why: string[] }>();
  for (const { server, needed } of servers) {
    const unique = new Map<string, string>();
    for (const { name, why } of needed) {
      const normal = normaliseName(name);
      if (!unique.has(normal)) unique.set(normal, why);
    }
    for (const ofAddresses of [false, true]) {
      const names = [...unique.keys()].filter((name) => (isIP(name) !== 0) === ofAddresses).sort();
      if (names.length === 0) continue;
      const id = nameSetId(names);
      const set = sets.get(id) ?? { names, servers: [], why: [] };
      if (!set.servers.includes(server)) set.servers.push(server);
      const reasons = names.map((name) => `${name} because ${unique.get(name)}`);
      set.why.push(...reasons.filter((reason) => !set.why.includes(reason)));
      sets.set(id, set);
    }
  }
  return [...sets].map(([id, set]) => {
    const addresses = isIP(set.names[0]!) !== 0;
    const profile = addresses ? '; certificates for addresses are only given with the profile shortlived' : '';
    return {
      id,
      names: set.names,
      servers: set.servers,
      requiredProfile: addresses ? 'shortlived' : undefined,
      why: `One certificate for ${set.servers.join(' and ')}: ${set.why.join('; ')}${profile}.`,
    };
  });
}

/**
 * What a set of names is called: the first of them and eight hex digits of the SHA-256 of all, as one segment of a
 * store's key (`*` and `:` become `_`, which no host name holds). The order and the case of `names` do not matter.
 */
export function nameSetId(names: readonly string[]): string {
  const sorted = [...new Set(names.map(normaliseName))].sort();
  const hash = createHash('sha256').update(sorted.join('\n')).digest('hex').slice(0, 8);
  const first = (sorted[0] ?? '').replace(/[^a-z0-9.-]/g, '_').replace(/^[.-]/, '_');
  // A segment of a key has at most 200 characters, and a DNS name can have 253; the hash keeps it unique.
  return `${first.slice(0, 180)}-${hash}`;
}

/** The form in which a name is compared and ordered: lower case, no final dot, addresses as RFC 5952 writes them. */
export function normaliseName(name: string): string {
  const lower = name.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(lower) && !lower.includes('%')) return new URL(`http://[${lower}]`).hostname.slice(1, -1);
  return lower.replace(/\.$/, '');
}

/** A certificate's name as an order names it (RFC 8555 section 7.1.3, RFC 8738), and whether it is a wildcard. */
export function readIdentifier(name: string): { readonly identifier: Identifier; readonly wildcard: boolean } {
  if (isIP(name) !== 0) return { identifier: { type: 'ip', value: name }, wildcard: false };
  const wildcard = name.startsWith('*.');
  return { identifier: { type: 'dns', value: wildcard ? name.slice(2) : name }, wildcard };
}
