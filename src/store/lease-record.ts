import { LEASE_LASTS } from './held-lease.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** What the file of one generation says. Only its holder writes to it. */
export interface LeaseRecord {
  readonly state: 'held' | 'released';
  /** Counts the renewals, so that others see that the holder lives without comparing clocks. */
  readonly renewals: number;
  /** The store object that holds it; a process may have several. */
  readonly holder: string;
  /** For a person who looks at the file. */
  readonly host: string;
  readonly process?: ProcessIdentity;
}

/**
 * Milliseconds. A process that certainly lives but does not renew is stopped, or stuck in the file system: it is
 * given longer, but not for ever, since it might have forgotten about the lease.
 */
const STOPPED_HOLDER_KEEPS = 300_000;

const WIDTHS = { state: 8, renewals: 12 };

/** Always of the same length for the same holder, so that it can be overwritten in place. */
export function writeLeaseRecord(record: LeaseRecord): Buffer {
  const { state, renewals, ...holder } = record;
  const changing = `${state.padEnd(WIDTHS.state)} ${String(renewals).padStart(WIDTHS.renewals, '0')}`;
  return Buffer.from(`${changing} ${JSON.stringify(holder)}\n`);
}

/** Undefined when the text is not whole: the holder is just writing it, or died when it began to. */
export function readLeaseRecord(text: string): LeaseRecord | undefined {
  const match = /^(held|released) +(\d+) (\{.*\})\n$/.exec(text);
  if (match === null) return undefined;
  try {
    const holder = JSON.parse(match[3]!) as Pick<LeaseRecord, 'holder' | 'host' | 'process'>;
    return { ...holder, state: match[1] as LeaseRecord['state'], renewals: Number(match[2]) };
  } catch {
    return undefined;
  }
}

/** What is known of a lease's newest generation. */
export interface LeaseFacts {
  readonly record: LeaseRecord | undefined;
  /** Milliseconds for which we have seen it unchanged, by our own clock. */
  readonly unchangedFor: number;
  /** Whether the holder's process runs; undefined when that cannot be known. */
  readonly running: boolean | undefined;
  /** This store made it, and knows that it does not hold it any more. */
  readonly forgotten: boolean;
}

/** Whether the next generation may be taken, and why. */
export function judgeLease(facts: LeaseFacts): { readonly free: boolean; readonly why: string } {
  const { record, unchangedFor, running, forgotten } = facts;
  if (record?.state === 'released') return { free: true, why: 'it was given back' };
  if (forgotten) return { free: true, why: 'this process lost it' };
  if (record !== undefined && running === false) return { free: true, why: 'its holder has ended' };
  const patience = running === true ? STOPPED_HOLDER_KEEPS : LEASE_LASTS;
  if (unchangedFor < patience) return { free: false, why: 'its holder may live' };
  return { free: true, why: `its holder has not renewed it for ${patience / 1000} s` };
}
