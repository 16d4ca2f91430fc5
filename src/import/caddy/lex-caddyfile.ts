import { brokenText, tooLarge } from '../import-error.ts';

/** A word of a Caddyfile. */
export interface CaddyWord {
  readonly text: string;
  /** Whether it was in quotes: then it is no brace and no matcher. */
  readonly quoted: boolean;
}

/** The words of one line. */
export interface CaddyLine {
  readonly line: number;
  readonly words: readonly CaddyWord[];
}

const MOST_WORDS = 300_000;
const HINT = 'caddy validate names such mistakes as well; import what Caddy itself accepts.';

/** `{$NAME}` and `{$NAME:default}` stand for variables of Caddy's environment, of which only the default is known here. */
function replaceEnvironment(text: string): string {
  return text.replaceAll(/\{\$[A-Za-z_]\w*:([^{}\n]*)\}/g, (_, otherwise: string) => otherwise);
}

/**
 * Splits a Caddyfile into lines of words, as Caddy's lexer does: double quotes with \" in them, backquotes, heredocs, a
 * comment where a # begins a word, a backslash at the end of a line. In linear time. Throws a SidecarError.
 */
export function lexCaddyfile(source: string, file: string): readonly CaddyLine[] {
  const text = replaceEnvironment(source).replaceAll('\r\n', '\n');
  const lines: CaddyLine[] = [];
  let words: CaddyWord[] = [];
  let [line, begun, at, count] = [1, 1, 0, 0];
  const add = (word: string, quoted: boolean): void => {
    if (++count > MOST_WORDS) throw tooLarge(`${file} has more than ${MOST_WORDS} words`);
    if (words.length === 0) begun = line;
    words.push({ text: word, quoted });
  };
  const endLine = (): void => {
    if (words.length > 0) lines.push({ line: begun, words });
    words = [];
  };
  while (at < text.length) {
    const character = text[at]!;
    if (character === '\n') {
      endLine();
      line++;
      at++;
    } else if (character === '\\' && text[at + 1] === '\n') {
      line++;
      at += 2;
    } else if (isSpace(character)) at++;
    else if (character === '#') {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end;
    } else if (character === '"' || character === '`') {
      const end = findQuote(text, at, character);
      if (end === undefined) throw brokenText({ file, line }, `the ${character} that opens here is never closed`, HINT);
      const inside = text.slice(at + 1, end);
      add(character === '"' ? inside.replaceAll('\\"', '"') : inside, true);
      line += countLines(inside);
      at = end + 1;
    } else {
      let end = at;
      while (end < text.length && text[end] !== '\n' && !isSpace(text[end]!)) end++;
      const word = text.slice(at, end);
      const marker = /^<<([A-Za-z0-9_-]+)$/.exec(word)?.[1];
      if (marker !== undefined && text[end] === '\n') {
        const heredoc = readHeredoc(text, end + 1, marker);
        if (heredoc === undefined) throw brokenText({ file, line }, `the text after ${word} never ends`, HINT);
        add(heredoc.text, true);
        line += countLines(text.slice(end, heredoc.end));
        at = heredoc.end;
      } else {
        add(word, false);
        at = end;
      }
    }
  }
  endLine();
  return lines;
}

function findQuote(text: string, start: number, quote: string): number | undefined {
  let at = start + 1;
  while (at < text.length && text[at] !== quote) at += quote === '"' && text[at] === '\\' ? 2 : 1;
  return at < text.length ? at : undefined;
}

/** Up to the line that has the marker alone, whose indentation is taken from every line. */
function readHeredoc(text: string, start: number, marker: string): { text: string; end: number } | undefined {
  const closing = new RegExp(`^([ \\t]*)${marker}(?=\\s|$)`, 'gm');
  closing.lastIndex = start;
  const found = closing.exec(text);
  if (found === null) return undefined;
  const indent = found[1]!;
  const body = text.slice(start, Math.max(start, found.index - 1)).split('\n');
  const trimmed = body.map((one) => (one.startsWith(indent) ? one.slice(indent.length) : one));
  return { text: trimmed.join('\n'), end: found.index + found[0].length };
}

/** White space but for the end of a line. */
function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\f' || character === '\v';
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}
