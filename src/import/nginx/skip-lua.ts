/**
 * The offset after the `}` that ends a block of Lua, which begins after its `{` at `start`; undefined where it never
 * ends. Braces in Lua's strings, long brackets and comments do not count.
 */
export function skipLua(text: string, start: number): number | undefined {
  let depth = 1;
  let at = start;
  while (at < text.length) {
    const character = text[at]!;
    if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at + 1;
    else if (character === '"' || character === "'") at = skipString(text, at, character);
    else if (character === '[') at = skipLong(text, at) ?? at;
    else if (character === '-' && text[at + 1] === '-') at = skipLong(text, at + 2) ?? lineEnd(text, at);
    at++;
  }
  return undefined;
}

/** The offset of the closing quote, or of the end of the line. */
function skipString(text: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** The offset of the last character of `[[...]]` or `[==[...]==]`; undefined where none begins here. */
function skipLong(text: string, start: number): number | undefined {
  if (text[start] !== '[') return undefined;
  let at = start + 1;
  while (text[at] === '=') at++;
  if (text[at] !== '[') return undefined;
  const close = `]${'='.repeat(at - start - 1)}]`;
  const end = text.indexOf(close, at);
  return end === -1 ? text.length : end + close.length - 1;
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}
