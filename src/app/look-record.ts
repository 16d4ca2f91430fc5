/** What one look at something from outside came to. */
export type Seen =
  | { readonly kind: 'good' }
  | {
      readonly kind: 'bad';
      /** One or two sentences. */
      readonly message: string;
      readonly fix: string;
      /** False for what may only look so from here, such as a public address that is not reached from behind it. */
      readonly sure: boolean;
    }
  /** Nothing can be said. */
  | { readonly kind: 'unsure' };

/** What is known of something that is looked at now and then, for all who share a store. Milliseconds since the epoch. */
export interface LookRecord {
  readonly at: number;
  /** When it is to be looked at again. */
  readonly next: number;
  /** It was good once, seen from here: what goes wrong since then went wrong. */
  readonly proven: boolean;
  /** Good looks in a row, and since when there were bad ones only. */
  readonly good: number;
  readonly badSince: number | null;
  /** What holds: seen twice in a row, and until two good looks in a row. */
  readonly trouble: { readonly message: string; readonly fix: string; readonly since: number } | null;
}

/** Milliseconds between looks: while all is well, while it is not, and while one look contradicts those before. */
const SELDOM = 60 * 60_000;
const TROUBLED = 15 * 60_000;
const IN_DOUBT = 5 * 60_000;
/** Looks in a row that something has to be good until it is over. */
const CONVINCING = 2;
/** Up to a tenth sooner or later, so that not all look at the same time. */
const JITTER = 0.1;

const NOTHING: LookRecord = { at: 0, next: 0, proven: false, good: 0, badSince: null, trouble: null };

/** What is known after one more look. `chance` is from 0 to 1. Pure. */
export function noteLook(before: LookRecord | undefined, seen: Seen, at: number, chance: number): LookRecord {
  const noted = { ...note(before ?? NOTHING, seen, at), at };
  const doubtful = noted.trouble === null ? noted.badSince !== null : noted.good > 0;
  const pause = doubtful ? IN_DOUBT : noted.trouble === null ? SELDOM : TROUBLED;
  return { ...noted, next: at + Math.round(pause * (1 - JITTER + 2 * JITTER * chance)) };
}

function note(before: LookRecord, seen: Seen, at: number): LookRecord {
  if (seen.kind === 'good') {
    const good = Math.min(before.good + 1, CONVINCING);
    return { ...before, proven: true, good, badSince: null, trouble: good < CONVINCING ? before.trouble : null };
  }
  if (seen.kind === 'unsure' || !(seen.sure || before.proven)) return before;
  const { message, fix } = seen;
  const { badSince, trouble } = before;
  const holds = badSince === null ? trouble : { message, fix, since: trouble?.since ?? badSince };
  return { ...before, good: 0, badSince: badSince ?? at, trouble: holds };
}

/** Whether it is time for a look. A record from the future was made by a clock that was wrong. */
export function isDue(record: LookRecord | undefined, now: number): boolean {
  return record === undefined || record.next <= now || record.at > now;
}

/** `good`: two looks in a row said so. `unsure`: it is too early to say, or cannot be said from here. */
export function standingOf({ trouble, good }: LookRecord): 'bad' | 'good' | 'unsure' {
  if (trouble !== null) return 'bad';
  return good >= CONVINCING ? 'good' : 'unsure';
}

/** A damaged value is as good as none. */
export function readLookRecord(bytes: Uint8Array | undefined): LookRecord | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Readonly<Record<keyof LookRecord, unknown>>;
    const { at, next, proven, good, badSince } = value;
    if (typeof at !== 'number' || typeof next !== 'number' || typeof good !== 'number') return undefined;
    const since = typeof badSince === 'number' ? badSince : null;
    return { at, next, proven: proven === true, good, badSince: since, trouble: readTrouble(value.trouble) };
  } catch {
    return undefined;
  }
}

function readTrouble(value: unknown): LookRecord['trouble'] {
  if (typeof value !== 'object' || value === null) return null;
  const { message, fix, since } = value as Readonly<Record<string, unknown>>;
  if (typeof message !== 'string' || typeof fix !== 'string' || typeof since !== 'number') return null;
  return { message, fix, since };
}
