/** How good something is. Each has a colour, and is told by a word beside it. */
export type Tone = 'good' | 'warn' | 'bad' | 'unknown';

/** Something that is so, in a word. */
export interface Word {
  readonly tone: Tone;
  readonly word: string;
}

/** An instant, and how far it is away: `in 12 days`, `3 hours ago`. */
export interface Moment {
  /** ISO 8601. */
  readonly at: string;
  readonly away: string;
}
