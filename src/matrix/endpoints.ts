import {
  type BodyLimit,
  DEFAULT_DEADLINE,
  ENDPOINT_ROWS,
  type EndpointRow,
  PATIENCE,
  type RetrySafety,
  type Surface,
} from './endpoint-table.ts';

/** What the sidecar knows of the endpoint that a request is for. */
export interface Endpoint {
  readonly pattern: string;
  readonly surface: Surface;
  readonly deadline: number;
  readonly bodyLimit: BodyLimit;
  readonly retry: RetrySafety;
  readonly patience: number;
  readonly mildFailure: boolean;
  readonly lastGood: boolean;
  readonly waits: boolean;
}

interface Node {
  readonly literals: Map<string, Node>;
  any: Node | undefined;
  /** The endpoint when the path ends here. */
  here: Endpoint | undefined;
  /** The endpoint for any longer path that no deeper row names. */
  rest: Endpoint | undefined;
}

/** Finds the endpoint of a raw, undecoded path; `end` is where the path ends in `target` (before `?`). */
export type EndpointMatcher = (target: string, end: number) => Endpoint | undefined;

function createNode(): Node {
  return { literals: new Map(), any: undefined, here: undefined, rest: undefined };
}

/** A row with its defaults. */
export function toEndpoint(row: EndpointRow): Endpoint {
  return Object.freeze({
    pattern: row.pattern,
    surface: row.surface,
    deadline: row.deadline ?? DEFAULT_DEADLINE,
    bodyLimit: row.bodyLimit ?? 'body',
    retry: row.retry ?? 'idempotent',
    mildFailure: row.mildFailure ?? false,
    lastGood: row.lastGood ?? false,
    waits: row.waits ?? false,
    patience: row.patience ?? PATIENCE[row.surface],
  });
}

function insert(root: Node, row: EndpointRow): void {
  const segments = row.pattern.slice(1).split('/');
  const endpoint = toEndpoint(row);
  let node = root;
  for (const segment of segments) {
    if (segment === '**') {
      // `/_matrix/**` covers `/_matrix` itself and everything below it, at a segment boundary.
      node.rest = endpoint;
      node.here ??= endpoint;
      return;
    }
    if (segment.startsWith('{')) {
      node.any ??= createNode();
      node = node.any;
    } else {
      let next = node.literals.get(segment);
      if (next === undefined) {
        next = createNode();
        node.literals.set(segment, next);
      }
      node = next;
    }
  }
  node.here = endpoint;
}

/**
 * Compiles rows to a tree that is walked once per request, one map look-up a segment, no decoding. A literal
 * segment is preferred to `{x}`; there is no going back, so no row may depend on it (a test holds the table to that).
 */
export function compileEndpoints(rows: readonly EndpointRow[] = ENDPOINT_ROWS): EndpointMatcher {
  const root = createNode();
  for (const row of rows) insert(root, row);
  return (target, end) => {
    if (target.charCodeAt(0) !== 0x2f) return undefined;
    let node = root;
    let rest: Endpoint | undefined;
    let from = 1;
    while (from <= end) {
      let to = target.indexOf('/', from);
      if (to === -1 || to > end) to = end;
      const next = node.literals.get(target.slice(from, to)) ?? (to > from ? node.any : undefined);
      if (next === undefined) return rest;
      rest = next.rest ?? rest;
      node = next;
      if (to === end) return node.here ?? rest;
      from = to + 1;
    }
    return rest;
  };
}
