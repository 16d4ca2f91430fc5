/** How long something has been away or back. Instants are `System.monotonic`. */
export interface Absence {
  /** Since when it has been away, short returns aside; undefined while it is here. */
  readonly awaySince: number | undefined;
  /** Since when it has been answering without a gap; undefined while it does not. */
  readonly hereSince: number | undefined;
  /** It was away for so long, and has not been back for good. */
  readonly long: boolean;
}

/** Milliseconds after which an absence is long: restarts, upgrades and their migrations are mostly over by then. */
export const LONG = 5 * 60_000;
/** Milliseconds that it has to be back until that counts: what comes and goes is away. */
export const FOR_GOOD = 60_000;

/** Nothing is known yet. */
export const UNKNOWN_ABSENCE: Absence = Object.freeze({ awaySince: undefined, hereSince: undefined, long: false });

/** What is known after one more look. Pure. */
export function noteAbsence(before: Absence, isHere: boolean, now: number): Absence {
  if (!isHere) {
    const awaySince = before.awaySince ?? now;
    return { awaySince, hereSince: undefined, long: before.long || now - awaySince >= LONG };
  }
  const hereSince = before.hereSince ?? now;
  return now - hereSince >= FOR_GOOD ? { ...UNKNOWN_ABSENCE, hereSince } : { ...before, hereSince };
}

/** `unsure`: too early to say that it is down, or that it is here for good. */
export function judgeAbsence({ awaySince, hereSince, long }: Absence, now: number): 'down' | 'here' | 'unsure' {
  if (long) return 'down';
  return awaySince === undefined && hereSince !== undefined && now - hereSince >= FOR_GOOD ? 'here' : 'unsure';
}
