import { createFloatingWords, type FloatingWords } from './floating-words.ts';
import { type PlainPattern, readPathPattern } from './path-pattern.ts';
import { WORKER_ROUTES, type WorkerRoute } from './worker-routes.ts';

/** Finds the first route for a raw, undecoded path; `end` is where the path ends in `target` (before `?`). */
export type WorkerRouteMatcher = (target: string, end: number) => WorkerRoute | undefined;

/** What may follow a slash. Orders are positions in the table, NONE where nothing matches. */
interface Node {
  /** The segment that leads here; empty for the root and for any segment. */
  readonly segment: string;
  /** What may follow, by the first character: a look at a few words costs less than to cut out a segment and hash it. */
  readonly literals: Node[][];
  any: Node | undefined;
  /** When the path ends with the segment that leads here. */
  here: number;
  /** When a slash follows that segment, whatever comes then. */
  below: number;
  readonly beginnings: { readonly text: string; readonly order: number }[];
  readonly floating: { readonly rest: Pick<PlainPattern, 'literals' | 'anchored'>; readonly order: number }[];
  words: FloatingWords | undefined;
}

const NONE = Number.POSITIVE_INFINITY;

function createNode(segment = ''): Node {
  return {
    segment,
    literals: [],
    any: undefined,
    here: NONE,
    below: NONE,
    beginnings: [],
    floating: [],
    words: undefined,
  };
}

function childOf(node: Node, segment: string): Node {
  const code = segment.charCodeAt(0);
  node.literals[code] ??= [];
  const list = node.literals[code];
  let child = list.find((each) => each.segment === segment);
  if (child === undefined) {
    child = createNode(segment);
    list.push(child);
  }
  return child;
}

/** Adds what stands behind a slash: `literals[index]` from its first character on, and what follows it. */
function insert(start: Node, pattern: PlainPattern, order: number): void {
  let node = start;
  for (const [index, literal] of pattern.literals.entries()) {
    const segments = literal.slice(1).split('/');
    const tail = segments.pop()!;
    for (const segment of segments) node = childOf(node, segment);
    const gap = pattern.gaps[index];
    if (gap === undefined) return void insertEnd(node, tail, pattern.anchored, order);
    if (tail !== '') throw new TypeError(`in ${literal}, a gap does not stand for a whole segment`);
    const next = pattern.literals[index + 1]!;
    if (gap === 'any') {
      if (!next.startsWith('/')) throw new TypeError(`${next} does not begin with a slash`);
      node.floating.push({ rest: { literals: pattern.literals.slice(index + 1), anchored: pattern.anchored }, order });
      return;
    }
    node.any ??= createNode();
    node = node.any;
    if (next === '') return void insertSegmentEnd(node, pattern.anchored, order);
  }
}

function insertEnd(node: Node, tail: string, anchored: boolean, order: number): void {
  if (anchored) {
    if (tail === '') throw new TypeError('a pattern ends with a slash and $');
    const child = childOf(node, tail);
    child.here = Math.min(child.here, order);
  } else if (tail === '') node.below = Math.min(node.below, order);
  else node.beginnings.push({ text: tail, order });
}

function insertSegmentEnd(node: Node, anchored: boolean, order: number): void {
  node.here = Math.min(node.here, order);
  if (!anchored) node.below = Math.min(node.below, order);
}

function finish(node: Node): void {
  if (node.floating.length > 0) node.words = createFloatingWords(node.floating);
  for (const list of node.literals) for (const child of list ?? []) finish(child);
  if (node.any !== undefined) finish(node.any);
}

/** The lowest order among the routes that match `target` from `from`, behind the slash that leads to `node`. */
function find(node: Node, target: string, from: number, end: number, before: number): number {
  let best = Math.min(before, node.below);
  let to = target.indexOf('/', from);
  if (to === -1 || to > end) to = end;
  const list = node.literals[target.charCodeAt(from)];
  if (list !== undefined) {
    for (const literal of list) {
      if (literal.segment.length !== to - from || !target.startsWith(literal.segment, from)) continue;
      best = to === end ? Math.min(best, literal.here) : find(literal, target, to + 1, end, best);
      break;
    }
  }
  const { any } = node;
  if (any !== undefined && to > from) {
    best = to === end ? Math.min(best, any.here) : find(any, target, to + 1, end, best);
  }
  for (const { text, order } of node.beginnings) {
    // No word reaches into the query: none has a question mark.
    if (order < best && target.startsWith(text, from)) best = order;
  }
  // Last, because it reads on to the end, and what is deeper in the tree mostly makes that needless.
  if (node.words !== undefined && node.words.least < best) best = node.words.match(target, from, end, best);
  return best;
}

/**
 * Compiles routes to a tree of path segments, which finds the same route as trying their regular expressions one after
 * the other. Time grows with the length of the path alone: nothing is tried twice, whatever a stranger sends.
 */
export function compileWorkerRoutes(routes: readonly WorkerRoute[] = WORKER_ROUTES): WorkerRouteMatcher {
  const root = createNode();
  for (const [order, route] of routes.entries()) {
    for (const pattern of readPathPattern(route.pattern)) insert(root, pattern, order);
  }
  finish(root);
  return (target, end) => {
    if (end === 0 || target.charCodeAt(0) !== 0x2f) return undefined;
    return routes[find(root, target, 1, end, NONE)];
  };
}
