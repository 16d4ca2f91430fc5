/** How many connections there may be, and what an operator should know of it. */
export interface ConnectionBudget {
  readonly total: number;
  /** Undefined where all is as it was wanted, and enough. */
  readonly warning: string | undefined;
}

/** What no ordinary server has at once; each with a request under way costs some 100 KiB. */
const DEFAULT_CONNECTIONS = 20_000;
/** Descriptors for listeners, files, DNS, the store and the CA. */
const OWN = 100;
/** Whoever has fewer has forgotten to ask for more. */
const FEW = 1_000;
const LEAST = 10;

/**
 * Each connection of a client needs a second one, to the homeserver, so that half of the file descriptors are for
 * clients. `wanted` is `limits.connections`; `descriptors` the process's limit, undefined where it is not known.
 */
export function decideConnectionBudget(wanted: number | undefined, descriptors: number | undefined): ConnectionBudget {
  const room =
    descriptors === undefined ? Number.POSITIVE_INFINITY : Math.max(LEAST, Math.floor((descriptors - OWN) / 2));
  const total = Math.min(wanted ?? DEFAULT_CONNECTIONS, room);
  if (wanted !== undefined && wanted > room) {
    const warning = `limits.connections is ${wanted}, but the limit of ${descriptors} file descriptors leaves room for ${room} connections.`;
    return { total, warning };
  }
  const warning =
    room < FEW && wanted === undefined
      ? `The limit of ${descriptors} file descriptors leaves room for ${room} connections only.`
      : undefined;
  return { total, warning };
}
