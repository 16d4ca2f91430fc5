/** What is said of something that is away. */
export interface AbsenceFacts {
  /** At the beginning of a sentence. */
  readonly what: string;
  /** A sentence. */
  readonly why: string | undefined;
  /** `System.monotonic`; undefined where it is not known. */
  readonly awaySince: number | undefined;
}

/** The sentences for when it is away, and for when it is back. Pure. */
export function describeAbsence(
  { what, why, awaySince }: AbsenceFacts,
  now: number,
): { readonly message: string; readonly relief: string } {
  const minutes = awaySince === undefined ? 0 : Math.round((now - awaySince) / 60_000);
  const span = minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return {
    message: `${what} has been down for ${span}.${why === undefined ? '' : ` ${why}`}`,
    relief: `${what} is back${minutes === 0 ? '' : `, after ${span}`}.`,
  };
}
