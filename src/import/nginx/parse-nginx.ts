import { brokenText, tooLarge } from '../import-error.ts';
import type { Directive } from './directive.ts';
import { isSpace, readWord } from './read-word.ts';
import { skipLua } from './skip-lua.ts';

/** Blocks in blocks: real configurations have six at most. */
const DEEPEST = 64;
const MOST_DIRECTIVES = 200_000;
const MOST_WORDS = 1_000_000;
const HINT = 'nginx -t names such mistakes as well; import what nginx itself accepts.';

interface OpenBlock {
  readonly name: string;
  readonly line: number;
  readonly content: Directive[];
}

/**
 * Reads the text of one file of nginx's into its directives, without following includes. In linear time. `file` is its
 * name for messages. Throws a SidecarError for what nginx itself would refuse to read.
 */
export function parseNginx(text: string, file: string): readonly Directive[] {
  const top: OpenBlock = { name: '', line: 1, content: [] };
  const open: OpenBlock[] = [top];
  let words: string[] = [];
  let [line, counted, begun, count, counter] = [1, 0, 1, 0, 0];
  let at = 0;

  const lineAt = (offset: number): number => {
    for (; counted < offset; counted++) if (text.charCodeAt(counted) === 10) line++;
    return line;
  };
  const broken = (offset: number, what: string) => brokenText({ file, line: lineAt(offset) }, what, HINT);
  const add = (block: readonly Directive[] | undefined): void => {
    if (++count > MOST_DIRECTIVES) throw tooLarge(`${file} has more than ${MOST_DIRECTIVES} directives`);
    const [name = '', ...args] = words;
    open.at(-1)!.content.push({ name, args, place: { file, line: begun }, block });
    words = [];
  };

  while (at < text.length) {
    const character = text[at]!;
    if (isSpace(character)) at++;
    else if (character === '#') {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end;
    } else if (character === ';') {
      if (words.length === 0) throw broken(at, 'a ; stands where a directive should begin');
      add(undefined);
      at++;
    } else if (character === '{') {
      if (words.length === 0) throw broken(at, 'a { stands where a directive should begin');
      if (open.length > DEEPEST) throw broken(at, `blocks are nested more than ${DEEPEST} deep`);
      const name = words[0]!;
      if (name.endsWith('_by_lua_block')) {
        add([]);
        const end = skipLua(text, at + 1);
        if (end === undefined) throw broken(at, `the block of ${quote(name)} is never closed`);
        at = end;
        continue;
      }
      const content: Directive[] = [];
      add(content);
      open.push({ name, line: begun, content });
      at++;
    } else if (character === '}') {
      if (words.length > 0) throw broken(at, `${quote(words[0]!)} has no ; after it`);
      if (open.length === 1) throw broken(at, 'a } closes a block that was never opened');
      open.pop();
      at++;
    } else {
      const word = readWord(text, at);
      if (!word.ok) throw broken(word.at, word.why);
      if (++counter > MOST_WORDS) throw tooLarge(`${file} has more than ${MOST_WORDS} words`);
      if (words.length === 0) begun = lineAt(at);
      words.push(word.text);
      at = word.end;
    }
  }
  if (words.length > 0) {
    throw brokenText({ file, line: begun }, `${quote(words[0]!)} has no ; after it, up to the end of the file`, HINT);
  }
  const left = open.at(-1)!;
  if (left !== top)
    throw brokenText({ file, line: left.line }, `the block of ${quote(left.name)} is never closed`, HINT);
  return top.content;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
