import type { DnsClient } from '../../base/dns.ts';
import { SidecarError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';

/** An alias of an alias is common where challenges are delegated; more than this many are a mistake. */
const MOST = 8;

/**
 * Where the record for `name` has to be written: at the end of the CNAME records that begin there (RFC 8555 section
 * 8.4 lets the CA follow them), or at `name` itself. Lower case, no dot at the end. Rejects with a SidecarError, code
 * `dns-alias`, when they lead nowhere.
 */
export async function followAlias(
  name: string,
  deps: { readonly dns: DnsClient; readonly system: System },
  signal: AbortSignal,
): Promise<string> {
  const { dns } = deps;
  const trail = [normalize(name)];
  for (;;) {
    const at = trail.at(-1)!;
    const target = await dns.resolveCname(at, { signal });
    if (target === undefined) return at;
    const next = normalize(target);
    if (trail.length === 1 && (await isOfWildcard(at, next))) return at;
    if (trail.includes(next)) throw astray([...trail, next], 'they go round in a circle');
    trail.push(next);
    if (trail.length > MOST) throw astray(trail, `there are more than ${MOST - 1}`);
  }

  /**
   * `*.example.com CNAME web.example.com` is there for the website. It covers `_acme-challenge.example.com` only as
   * long as nothing is written there, and nobody meant it to.
   */
  async function isOfWildcard(at: string, target: string): Promise<boolean> {
    const sibling = at.replace(/^[^.]+/, `_acme-challenge-${deps.system.randomBytes(6).toString('hex')}`);
    const other = await dns.resolveCname(sibling, { signal });
    return other !== undefined && normalize(other) === target;
  }
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function astray(trail: readonly string[], why: string): SidecarError {
  return new SidecarError(`The CNAME records from ${trail[0]} lead nowhere: ${trail.join(' -> ')}; ${why}.`, {
    code: 'dns-alias',
    blame: 'operator',
    hint: `Let the CNAME record of ${trail[0]} point at a name in a zone that can be written, or remove it.`,
  });
}
