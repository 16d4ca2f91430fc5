import { createHash } from 'node:crypto';
import type { DnsClient } from '../../base/dns.ts';
import { describeError, SidecarError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { System } from '../../base/system.ts';
import { pause } from '../pause.ts';
import type { ChallengeTask, Solver } from '../solver.ts';
import { impossible } from './challenge-store.ts';
import { decidePropagation, type PropagationDecision } from './decide-propagation.ts';
import type { ChallengeRecord, DnsProvider } from './dns-provider.ts';
import { followAlias } from './follow-alias.ts';
import { askNameServer, findNameServers, type NameServer } from './name-servers.ts';

export interface Dns01Slice {
  readonly provider: DnsProvider;
  /** Milliseconds that the zone's name servers have to show the record; 5 minutes if it is not given. */
  readonly propagationTimeout?: number;
  /** Where the zone's name servers listen: 53, but in tests. */
  readonly nameServerPort?: number;
}

export interface Dns01Deps {
  readonly system: System;
  readonly dns: DnsClient;
  readonly log: Log;
}

const PROPAGATION_TIMEOUT = 300_000;
/** Milliseconds between two looks: longer each time, for providers that take minutes. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/**
 * Meets dns-01 (RFC 8555 section 8.4): a TXT record at `_acme-challenge.`, or where an alias there leads, written by
 * a provider. `wait` lasts until the zone's own name servers show it.
 */
export function createDns01Solver(slice: Dns01Slice, deps: Dns01Deps): Solver {
  const { provider } = slice;
  const { system, dns, log } = deps;
  const limit = slice.propagationTimeout ?? PROPAGATION_TIMEOUT;
  /** Challenges under way: their record, or undefined as long as none can have been written. */
  const records = new Map<string, ChallengeRecord | undefined>();

  async function findRecord(task: ChallengeTask, signal: AbortSignal): Promise<ChallengeRecord> {
    const name = await followAlias(`_acme-challenge.${task.identifier.value}`, deps, signal);
    return { name, value: recordValue(task.keyAuthorization), task };
  }

  async function lookOnce(
    { name, value }: ChallengeRecord,
    servers: readonly NameServer[],
    waited: number,
    signal: AbortSignal,
  ): Promise<PropagationDecision> {
    const views = await Promise.all(servers.map((server) => askNameServer(server, name, value, dns, signal)));
    const decision = decidePropagation(views, waited);
    if (decision.do !== 'ask-resolver') return decision;
    const seen = (await dns.resolveTxt(name, { signal })).includes(value);
    return {
      do: seen ? 'proceed' : 'wait',
      why: `${decision.why}; the machine's resolver ${seen ? 'shows it' : 'does not show it yet'}`,
    };
  }

  return {
    type: 'dns-01',
    async present(task, signal) {
      if (task.identifier.type === 'ip') throw impossible(task, 'DNS proves nothing about addresses');
      records.set(keyOf(task), undefined);
      const record = await findRecord(task, signal);
      records.set(keyOf(task), record);
      await provider.set(record, signal);
      log.debug({ name: record.name }, `${provider.title}: wrote the TXT record ${record.name} for dns-01.`);
    },

    async wait(task, signal) {
      const record = records.get(keyOf(task)) ?? (await findRecord(task, signal));
      const began = system.monotonic();
      let servers: readonly NameServer[] | undefined;
      const look = async (): Promise<PropagationDecision> => {
        servers ??= await findNameServers(record.name, slice.nameServerPort ?? 53, dns, signal);
        return lookOnce(record, servers, system.monotonic() - began, signal);
      };
      for (let delay = FIRST_PAUSE; ; delay = Math.min(delay * 1.5, LONGEST_PAUSE)) {
        const decision = await look().catch((error: unknown): PropagationDecision => {
          signal.throwIfAborted();
          return { do: 'wait', why: describeError(error) };
        });
        if (decision.do === 'proceed') {
          return log.debug({ name: record.name }, `The TXT record ${record.name} can be seen: ${decision.why}.`);
        }
        if (system.monotonic() - began + delay > limit) throw notPublished(provider, record, limit, decision.why);
        await pause(system, delay, signal);
      }
    },

    async cleanUp(task) {
      const key = keyOf(task);
      const known = records.has(key);
      // A process that takes over from a dead one knows the task only; the alias leads where it led.
      const record = known ? records.get(key) : await findRecord(task, new AbortController().signal);
      if (record !== undefined) await provider.unset(record);
      records.delete(key);
    },
  };
}

/** RFC 8555 section 8.4. */
export function recordValue(keyAuthorization: string): string {
  return createHash('sha256').update(keyAuthorization).digest('base64url');
}

function keyOf({ identifier, wildcard, keyAuthorization }: ChallengeTask): string {
  return JSON.stringify([identifier.value, wildcard, keyAuthorization]);
}

function notPublished(provider: DnsProvider, record: ChallengeRecord, limit: number, why: string): SidecarError {
  const { name, value } = record;
  return new SidecarError(
    `The TXT record ${name} "${value}" was written by ${provider.title}, but cannot be seen after ${limit / 1000} s: ${why.replace(/\.$/, '')}.`,
    {
      code: 'dns-not-published',
      blame: 'remote',
      hint: `Check that ${provider.title} writes to the zone that the world sees (dig TXT ${name}), and that it adds records and replaces none.`,
      retryAfter: 300,
    },
  );
}
