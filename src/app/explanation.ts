/** A request that nobody has made. */
export interface AskedRequest {
  readonly listener: 'https' | 'federation' | 'http';
  readonly method: string;
  /** Raw, as it would stand in the request. */
  readonly target: string;
  readonly authority: string;
  /** From SNI; undefined where there is none. */
  readonly serverName: string | undefined;
  readonly clientAddress: string;
  /** Flat pairs. */
  readonly headers: readonly string[];
}

/** What would become of it, as names and values in an order to read them in. */
export type Explanation = readonly (readonly [name: string, value: string])[];
