import type { DnsClient } from '../../base/dns.ts';
import { SidecarError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import type { ChallengeTask, Solver } from '../solver.ts';
import { impossible } from './challenge-store.ts';
import { excerpt } from './dns-provider.ts';
import { findNameServers } from './name-servers.ts';

export interface DnsPersist01Slice {
  /** Where the zone's name servers listen: 53, but in tests. */
  readonly nameServerPort?: number;
}

/** What a `_validation-persist` record says, and for whom. */
export interface PersistRecord {
  readonly issuer: string;
  readonly accountUrl: string;
  readonly wildcard: boolean;
  /** Seconds since the epoch; for ever without it. */
  readonly persistUntil?: number;
}

/**
 * Meets dns-persist-01 (draft-ietf-acme-dns-persist): a TXT record that a person publishes once and that lasts. So
 * `present` only looks whether it is there, and says exactly what to publish when it is not.
 */
export function createDnsPersist01Solver(
  slice: DnsPersist01Slice,
  deps: { readonly system: System; readonly dns: DnsClient },
): Solver {
  const { dns, system } = deps;

  /** The resolver may have remembered from before that there is nothing: then the zone's own servers are asked. */
  async function readRecords(name: string, good: (text: string) => boolean, signal: AbortSignal): Promise<string[]> {
    const known = await dns.resolveTxt(name, { signal });
    if (known.some(good)) return [...known];
    const texts = new Set(known);
    const servers = await findNameServers(name, slice.nameServerPort ?? 53, dns, signal);
    for (const server of servers.flatMap(({ addresses }) => addresses)) {
      const found = await dns.resolveTxt(name, { server, signal }).catch(() => []);
      signal.throwIfAborted();
      for (const text of found) texts.add(text);
      if (found.length > 0) break;
    }
    return [...texts];
  }

  return {
    type: 'dns-persist-01',
    async present(task, signal) {
      if (task.identifier.type === 'ip') throw impossible(task, 'DNS proves nothing about addresses');
      const issuers = task.issuerDomainNames ?? [];
      if (issuers.length === 0) throw impossible(task, 'the CA does not say by which name to call it in the record');
      const name = `_validation-persist.${task.identifier.value}`;
      const judge = (text: string): string | undefined => whyUseless(text, task, issuers, system.now());
      const texts = await readRecords(name, (text) => judge(text) === undefined, signal);
      if (texts.some((text) => judge(text) === undefined)) return;
      throw missing(
        name,
        task,
        issuers[0]!,
        texts.slice(0, 5).map((text) => `"${excerpt(text)}": ${judge(text)}`),
      );
    },
    // What a person published is theirs.
    async cleanUp() {},
  };
}

/** The record's text, to be published as it is. */
export function formatPersistRecord({ issuer, accountUrl, wildcard, persistUntil }: PersistRecord): string {
  return [
    issuer,
    `accounturi=${accountUrl}`,
    ...(wildcard ? ['policy=wildcard'] : []),
    ...(persistUntil === undefined ? [] : [`persistUntil=${persistUntil}`]),
  ].join('; ');
}

/**
 * Why a published record does not help with this task, or undefined when it does. Its grammar is that of CAA's
 * `issue` (RFC 8659 section 4.2): a name, then `tag=value` after semicolons. Unknown tags are passed over. `now` in
 * milliseconds since the epoch.
 */
export function whyUseless(
  text: string,
  task: Pick<ChallengeTask, 'accountUrl' | 'wildcard'>,
  issuers: readonly string[],
  now: number,
): string | undefined {
  const [issuer = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map(
    rest.map((part) => {
      const equals = part.indexOf('=');
      return [part.slice(0, Math.max(equals, 0)).trim().toLowerCase(), part.slice(equals + 1).trim()];
    }),
  );
  if (!issuers.some((name) => sameName(name, issuer))) return 'it is for another CA';
  if (parameters.get('accounturi') !== task.accountUrl) return 'it is for another account';
  if (task.wildcard && parameters.get('policy')?.toLowerCase() !== 'wildcard')
    return 'it lacks policy=wildcard, which a wildcard needs';
  const until = parameters.get('persistuntil');
  if (until === undefined) return undefined;
  if (!/^\d{1,12}$/.test(until)) return 'its persistUntil is no number of seconds since 1970';
  return Number(until) * 1000 <= now ? 'its persistUntil is over' : undefined;
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase().replace(/\.$/, '') === b.toLowerCase().replace(/\.$/, '');
}

function missing(name: string, task: ChallengeTask, issuer: string, useless: readonly string[]): SidecarError {
  const { accountUrl, wildcard } = task;
  const found = useless.length === 0 ? 'there is none' : `what is there does not do (${useless.join('; ')})`;
  return new SidecarError(`dns-persist-01 needs a TXT record at ${name}, and ${found}.`, {
    code: 'dns-persist-missing',
    blame: 'operator',
    hint: `Publish once, and leave it there: ${name}. IN TXT "${formatPersistRecord({ issuer, accountUrl, wildcard })}"`,
    retryAfter: 300,
  });
}
