/** What the homeserver did to one arrival of a request. */
export interface Act {
  did:
    | 'nothing yet'
    | 'answered'
    | 'died'
    | 'half a head'
    | 'half a body'
    | 'garbage'
    /** 503 while it starts. */
    | 'said that it starts'
    /** It went away with the request under way. */
    | 'killed'
    /** The other side closed the connection before there was a whole answer. */
    | 'abandoned'
    /** It had closed the connection: the request was not taken notice of. */
    | 'too late';
  status: number;
  /** The answer's head was sent. */
  begun: boolean;
  /** Its connection was reset when the answer was written, but perhaps not read. */
  killedAfter: boolean;
  /** Where what arrived of the body is not that of this request, and what came instead; undefined where all is right. */
  wrong: string | undefined;
  /** All of the request arrived. */
  whole: boolean;
  /** The connection had carried a request before. */
  readonly reused: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** From and to, milliseconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A moment in which so many requests at most, one a connection, may have been lost before they were read. */
export interface Vanishing {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly most: number;
}

/** What the homeserver tells at the end. */
export interface HomeserverAccount {
  /** By request id, in the order of arrival. */
  readonly acts: Readonly<Record<string, readonly Act[]>>;
  readonly connections: number;
  /** When requests may have been lost that it had not read. */
  readonly vanished: readonly Vanishing[];
  /** When it said 503 because it started. */
  readonly starts: readonly Span[];
  /** Arrivals whose fate is still open. */
  readonly open: number;
  /** Whatever else should not have been: what is no HTTP, ids that do not agree. */
  readonly complaints: readonly string[];
}

/** What the homeserver is told. */
export type Command =
  | { readonly do: 'go'; readonly ms: number }
  | { readonly do: 'move'; readonly address: string }
  | { readonly do: 'open'; readonly port: number }
  | { readonly do: 'start'; readonly ms: number }
  | { readonly do: 'drop' }
  /** The answer to this request has reached its client, or nobody waits for it. */
  | { readonly do: 'heard'; readonly id: string }
  | { readonly do: 'tell' };

/** What it says. */
export type Message =
  | { readonly says: 'listening'; readonly port: number }
  | { readonly says: 'account'; readonly account: HomeserverAccount };
