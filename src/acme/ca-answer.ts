/** What a CA answered, whatever its status. */
export interface CaAnswer {
  /** Where it came from, redirects followed. */
  readonly url: string;
  readonly status: number;
  readonly body: string;
  /** A header's value by its lower-case name; of several, all of them joined by commas. */
  header(name: string): string | undefined;
}
