/** One thing that is not yet as the advice has it. */
export interface Missing {
  /** A sentence. */
  readonly what: string;
  /** What to do, a sentence. */
  readonly fix: string;
  /** Whether it has to be done before all is right; else it works, but could be better. */
  readonly blocking: boolean;
}
