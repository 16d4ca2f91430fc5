import { dirname, resolve } from 'node:path';
import { brokenText, tooLarge, unreadableSource } from '../import-error.ts';
import type { Place } from '../place.ts';
import type { SourceFiles } from '../source-files.ts';
import { type CaddyLine, type CaddyWord, lexCaddyfile } from './lex-caddyfile.ts';

/** One directive, or the header of a block. */
export interface Segment {
  readonly words: readonly CaddyWord[];
  readonly place: Place;
  readonly block: readonly Segment[] | undefined;
}

/** A Caddyfile with its imports in place. */
export interface Caddyfile {
  readonly options: readonly Segment[];
  readonly sites: readonly Segment[];
  /** `&(name)`, for invoke. */
  readonly routes: ReadonlyMap<string, readonly Segment[]>;
  readonly missing: readonly { readonly place: Place; readonly pattern: string }[];
}

const DEEPEST = 64;
const DEEPEST_IMPORT = 16;
const MOST_SEGMENTS = 200_000;
const HINT = 'caddy validate names such mistakes as well; import what Caddy itself accepts.';

/** Reads a Caddyfile and follows its imports, of files and of snippets. `path` is absolute. Throws a SidecarError. */
export function readCaddyfile(path: string, files: SourceFiles): Caddyfile {
  const missing: { place: Place; pattern: string }[] = [];
  const snippets = new Map<string, readonly Segment[]>();
  let total = 0;

  function readFile(from: string, trail: readonly string[]): readonly Segment[] {
    if (trail.includes(from)) throw tooLarge(`${files.show(from)} imports itself`);
    const text = files.read(from);
    if (text === undefined) throw unreadableSource(`${files.show(from)} does not exist`, 'Correct the path.');
    const parsed = parseLines(lexCaddyfile(text, files.show(from)), files.show(from));
    for (const { words, block } of parsed) {
      const name = /^\((.+)\)$/.exec(words[0]?.text ?? '')?.[1];
      if (name !== undefined && block !== undefined) snippets.set(name, block);
    }
    return expand(parsed, dirname(from), [...trail, from]);
  }

  function expand(segments: readonly Segment[], folder: string, trail: readonly string[]): readonly Segment[] {
    return segments.flatMap((segment): readonly Segment[] => {
      if (++total > MOST_SEGMENTS) throw tooLarge(`There are more than ${MOST_SEGMENTS} directives`);
      if (trail.length > DEEPEST_IMPORT) throw tooLarge(`Imports are nested more than ${DEEPEST_IMPORT} deep`);
      const [first, pattern, ...args] = segment.words;
      if (first?.text !== 'import' || first.quoted || pattern === undefined) {
        return [segment.block === undefined ? segment : { ...segment, block: expand(segment.block, folder, trail) }];
      }
      const snippet = snippets.get(pattern.text);
      if (snippet !== undefined) {
        const given = args.map(({ text }) => text);
        return expand(
          snippet.map((one) => fillIn(one, given)),
          folder,
          [...trail, `(${pattern.text})`],
        );
      }
      const found = files.glob(resolve(folder, pattern.text)).filter((one) => files.kindOf(one) === 'file');
      if (found.length === 0 && !/[*?[]/.test(pattern.text))
        missing.push({ place: segment.place, pattern: pattern.text });
      return found.flatMap((one) => readFile(one, trail));
    });
  }

  const segments = readFile(path, []);
  const isSnippet = ({ words }: Segment): boolean => /^&?\(.+\)$/.test(words[0]?.text ?? '');
  const [head, ...rest] = segments.filter((segment) => !isSnippet(segment));
  const hasOptions = head !== undefined && head.words.length === 0;
  const routes = new Map(
    segments.flatMap(({ words, block }) => {
      const name = /^&\((.+)\)$/.exec(words[0]?.text ?? '')?.[1];
      return name === undefined || block === undefined ? [] : [[name, block] as const];
    }),
  );
  const sites = head === undefined ? [] : hasOptions ? rest : [head, ...rest];
  return { options: hasOptions ? (head.block ?? []) : [], sites: asSites(sites), routes, missing };
}

/** A file with one site only may go without braces: its first line is the address then. */
function asSites(segments: readonly Segment[]): readonly Segment[] {
  const [first, ...rest] = segments;
  if (first === undefined || first.block !== undefined) return segments;
  return [{ ...first, block: rest }];
}

/** The arguments of an import in place of {args[0]} or {args.0}. */
function fillIn({ words, place, block }: Segment, args: readonly string[]): Segment {
  const filled = words.map(({ text, quoted }) => ({
    text: text.replaceAll(
      /\{args(?:\[(\d+)\]|\.(\d+))\}/g,
      (whole, a?: string, b?: string) => args[Number(a ?? b)] ?? whole,
    ),
    quoted,
  }));
  return { words: filled, place, block: block?.map((one) => fillIn(one, args)) };
}

interface Open {
  readonly content: Segment[];
  readonly line: number;
}

function parseLines(lines: readonly CaddyLine[], file: string): readonly Segment[] {
  const top: Open = { content: [], line: 1 };
  const open: Open[] = [top];
  let carried: readonly CaddyWord[] = [];
  for (const { line, words: written } of lines) {
    const place = { file, line };
    const last = written.at(-1)!;
    // Addresses may go on in the next line after a comma.
    if (open.length === 1 && !last.quoted && last.text.endsWith(',')) {
      carried = [...carried, ...written];
      continue;
    }
    const words = [...carried, ...written];
    carried = [];
    if (words.length === 1 && isBrace(last, '}')) {
      if (open.length === 1) throw brokenText(place, 'a } closes a block that was never opened', HINT);
      open.pop();
    } else if (isBrace(last, '{')) {
      if (open.length > DEEPEST) throw brokenText(place, `blocks are nested more than ${DEEPEST} deep`, HINT);
      const content: Segment[] = [];
      open.at(-1)!.content.push({ words: words.slice(0, -1), place, block: content });
      open.push({ content, line });
    } else open.at(-1)!.content.push({ words, place, block: undefined });
  }
  const left = open.at(-1)!;
  if (left !== top) throw brokenText({ file, line: left.line }, 'the block that opens here is never closed', HINT);
  return top.content;
}

function isBrace({ text, quoted }: CaddyWord, brace: string): boolean {
  return text === brace && !quoted;
}
