import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { type KeyPath, pathId, quote } from './key-path.ts';

/** Offsets into the text, from 0. */
export interface Offsets {
  readonly key: number | undefined;
  readonly value: number;
}

/** A problem at an offset, before anything is known about lines. */
export interface TreeProblem {
  readonly path: KeyPath;
  readonly offset: number;
  /** Where the same key was first written, if this is about a second time. */
  readonly earlier?: number;
  readonly what: string;
  readonly fix: string;
}

export interface PlainTree {
  readonly value: unknown;
  /** By `pathId`. */
  readonly offsets: ReadonlyMap<string, Offsets>;
  readonly problems: readonly TreeProblem[];
  /** False when reading stopped in the middle: nothing can be said about the rest then. */
  readonly complete: boolean;
}

// Aliases can make a short text into a tree that fills the memory ("billion laughs"); no real file comes near these.
const MOST_NODES = 20_000;
const DEEPEST = 40;

interface Walk {
  readonly offsets: Map<string, Offsets>;
  readonly problems: TreeProblem[];
  readonly anchors: Map<string, Node>;
  /** Nodes being read right now; an alias to one of them would never end. */
  readonly open: Set<Node>;
  nodes: number;
}

/** Turns parsed YAML into plain values, remembers where each stands, and reports what no file should do. */
export function readYamlTree(root: Node | null): PlainTree {
  const walk: Walk = { offsets: new Map(), problems: [], anchors: new Map(), open: new Set(), nodes: 0 };
  const value = readNode(walk, root, [], { key: undefined, value: root?.range?.[0] ?? 0 });
  return { value, offsets: walk.offsets, problems: walk.problems, complete: walk.nodes <= MOST_NODES };
}

function readNode(walk: Walk, node: Node | null, path: KeyPath, at: Offsets): unknown {
  walk.offsets.set(pathId(path), at);
  const refuse = (what: string, fix: string): undefined => {
    walk.problems.push({ path, offset: at.value, what, fix });
  };
  walk.nodes += 1;
  if (walk.nodes > MOST_NODES) {
    // Said once; the rest of the tree is left unread.
    if (walk.nodes > MOST_NODES + 1) return undefined;
    return refuse(
      `there are more than ${MOST_NODES} values up to here, aliases counted as often as they are used`,
      'Remove aliases (*name) that repeat large parts',
    );
  }
  if (path.length > DEEPEST) return refuse(`this is nested more than ${DEEPEST} levels deep`, 'Remove some levels');
  if (node === null) return null;
  if (isAlias(node)) {
    const target = walk.anchors.get(node.source);
    if (target === undefined) {
      return refuse(
        `in YAML an asterisk repeats what was marked with &, and nothing above is marked &${node.source.slice(0, 40)}`,
        `If the asterisk belongs to the value, put it in quotes: ${quote(`*${node.source}`)}`,
      );
    }
    if (walk.open.has(target)) return refuse(`*${node.source} contains itself`, 'Write the value out');
    return readNode(walk, target, path, at);
  }
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
  if (isScalar(node)) return node.value;
  walk.open.add(node);
  const value = isMap(node) ? readMap(walk, node.items, path) : isSeq(node) ? readList(walk, node.items, path) : null;
  walk.open.delete(node);
  return value;
}

function readList(walk: Walk, items: readonly unknown[], path: KeyPath): unknown[] {
  return items.map((item, index) => {
    const node = item as Node | null;
    return readNode(walk, node, [...path, index], { key: undefined, value: node?.range?.[0] ?? 0 });
  });
}

function readMap(walk: Walk, items: readonly { key: unknown; value: unknown }[], path: KeyPath): object {
  const result: Record<string, unknown> = {};
  for (const item of items) {
    const keyNode = item.key as Node | null;
    const key = isScalar(keyNode) ? String(keyNode.value ?? '') : '';
    const keyOffset = keyNode?.range?.[0] ?? 0;
    const inner = [...path, key];
    const problem = { path: inner, offset: keyOffset };
    if (key === '__proto__') {
      walk.problems.push({ ...problem, what: 'no key may be called __proto__', fix: 'Remove this line' });
      continue;
    }
    if (Object.hasOwn(result, key)) {
      const earlier = walk.offsets.get(pathId(inner))?.key ?? keyOffset;
      walk.problems.push({ ...problem, earlier, what: 'is given twice', fix: 'Keep one of the two lines' });
      continue;
    }
    const node = item.value as Node | null;
    // An empty value stands right after its key.
    const valueOffset = node === null ? keyOffset : (node.range?.[0] ?? keyOffset);
    const empty = isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];
    result[key] = readNode(walk, node, inner, { key: keyOffset, value: empty ? keyOffset : valueOffset });
  }
  return result;
}
