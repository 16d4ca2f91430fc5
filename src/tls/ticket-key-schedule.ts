/** Bytes of one key: Node's three parts of 16 (name, HMAC, AES). */
export const TICKET_KEY_BYTES = 48;

/** One key for session tickets, and from when it is used: milliseconds since the epoch. */
export interface TicketKey {
  /** TICKET_KEY_BYTES long. Secret. */
  readonly bytes: Buffer;
  readonly from: number;
}

/**
 * The key that is in use, and the one after it, which everybody knows long before its time: so all can change over in
 * the same instant without asking anybody, and a store that is away at that instant costs nothing.
 */
export interface TicketKeySchedule {
  readonly current: TicketKey;
  readonly next: TicketKey;
}

/** What is known when keys are judged. */
export interface TicketKeyFacts {
  readonly schedule: TicketKeySchedule | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Which key this process uses, and for how many milliseconds it has, by the clock that cannot be set. */
  readonly inUse: Buffer;
  readonly usedFor: number;
  /** Milliseconds that a key is used for. */
  readonly rotateEvery: number;
}

/** What follows from a schedule now. */
export interface TicketKeyVerdict {
  /** The key to use; undefined when the schedule has none. */
  readonly use: Buffer | undefined;
  /** Whether the schedule has to be replaced by the next one, and from when its first key has been used then. */
  readonly renew: 'no' | 'shift' | 'afresh';
  /** Milliseconds until this changes. */
  readonly wait: number;
  readonly why: string;
}

/** Milliseconds. Clocks of replicas differ by less; only a clock that was set makes a key stay longer than this. */
const TOLERANCE = 300_000;
/** The stored text has some 250 bytes. */
const MOST_BYTES = 4_096;

/** Which key to use, whether the schedule is due to be renewed, and when to look again. */
export function judgeTicketKeys(facts: TicketKeyFacts): TicketKeyVerdict {
  const { schedule, now, inUse, usedFor, rotateEvery } = facts;
  if (schedule === undefined) return { use: undefined, renew: 'afresh', wait: 0, why: 'there are none yet' };
  const { current, next } = schedule;
  if (now >= next.from + rotateEvery) {
    return { use: undefined, renew: 'afresh', wait: 0, why: 'their time is over, and nobody renewed them' };
  }
  // Once in use it stays so, also when the clock is set back or somebody who was stopped publishes what is past.
  if (now >= next.from || next.bytes.equals(inUse)) {
    return { use: next.bytes, renew: 'shift', wait: next.from + rotateEvery - now, why: 'the next key is in use' };
  }
  const left = current.bytes.equals(inUse) ? rotateEvery + TOLERANCE - usedFor : rotateEvery;
  if (left <= 0) {
    // The one after it has not come by the clock, which therefore was set back (or, for others, forth).
    return { use: next.bytes, renew: 'shift', wait: rotateEvery, why: 'the key has been used long enough' };
  }
  return { use: current.bytes, renew: 'no', wait: Math.min(next.from - now, left), why: 'the key is in its time' };
}

/**
 * The schedule that follows, with `fresh` as the key after the next change. Afresh it begins with the key that this
 * process uses, so that the tickets it has given stay good.
 */
export function renewSchedule(facts: TicketKeyFacts, how: 'shift' | 'afresh', fresh: Buffer): TicketKeySchedule {
  const { schedule, now, inUse, usedFor, rotateEvery } = facts;
  const current =
    how === 'shift' && schedule !== undefined
      ? // Not later than now: it is in use.
        { bytes: schedule.next.bytes, from: Math.min(schedule.next.from, now) }
      : { bytes: inUse, from: now - usedFor };
  return { current, next: { bytes: fresh, from: current.from + rotateEvery } };
}

/** Whether a key is one of these. */
export function isScheduled(schedule: TicketKeySchedule | undefined, key: Buffer): boolean {
  return schedule !== undefined && (schedule.current.bytes.equals(key) || schedule.next.bytes.equals(key));
}

/** As it stands in the store. Secret. */
export function writeSchedule({ current, next }: TicketKeySchedule): Buffer {
  const write = ({ bytes, from }: TicketKey) => ({
    from: new Date(from).toISOString(),
    key: bytes.toString('base64'),
  });
  return Buffer.from(`${JSON.stringify({ current: write(current), next: write(next) })}\n`);
}

/** Undefined when it is damaged, which is as good as none. */
export function readSchedule(bytes: Uint8Array): TicketKeySchedule | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Partial<Record<'current' | 'next', unknown>>;
    const [current, next] = [readKey(value.current), readKey(value.next)];
    if (current === undefined || next === undefined || next.from <= current.from) return undefined;
    return current.bytes.equals(next.bytes) ? undefined : { current, next };
  } catch {
    return undefined;
  }
}

function readKey(value: unknown): TicketKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { from, key } = value as Record<string, unknown>;
  if (typeof from !== 'string' || typeof key !== 'string') return undefined;
  const [bytes, time] = [Buffer.from(key, 'base64'), Date.parse(from)];
  return bytes.length === TICKET_KEY_BYTES && Number.isFinite(time) ? { bytes, from: time } : undefined;
}
