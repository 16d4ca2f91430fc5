/** A word of nginx's, or why there is none. `end` is the offset after it. */
export type WordReading =
  | { readonly ok: true; readonly text: string; readonly end: number }
  | { readonly ok: false; readonly at: number; readonly why: string };

/** nginx itself takes 4096 bytes. */
const LONGEST = 65_536;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  t: '\t',
  r: '\r',
  n: '\n',
};

/**
 * Reads the word that begins at `start`, as nginx's ngx_conf_read_token does: quotes only at the beginning, a backslash
 * keeps the next character from ending the word and stays in it unless it stands before a quote, a backslash, t, r or n.
 */
export function readWord(text: string, start: number): WordReading {
  const quote = text[start];
  return quote === '"' || quote === "'" ? readQuoted(text, start, quote) : readPlain(text, start);
}

function readQuoted(text: string, start: number, quote: string): WordReading {
  let at = start + 1;
  const most = start + LONGEST;
  while (at < text.length && at <= most && text[at] !== quote) at += text[at] === '\\' ? 2 : 1;
  if (at > most) return tooLong(start);
  if (at >= text.length) return { ok: false, at: start, why: `the ${quote} that opens here is never closed` };
  const after = text[at + 1];
  if (after !== undefined && !/[\s;{)]/.test(after)) {
    return { ok: false, at, why: `${JSON.stringify(after)} stands directly after a quoted text` };
  }
  return { ok: true, text: resolveEscapes(text.slice(start + 1, at)), end: at + 1 };
}

function readPlain(text: string, start: number): WordReading {
  let at = start;
  const most = start + LONGEST;
  while (at < text.length && at <= most) {
    const character = text[at]!;
    if (character === '\\') at += 2;
    // ${name} is a variable, no block.
    else if (character === '$' && text[at + 1] === '{') at += 2;
    else if (character === ';' || character === '{' || isSpace(character)) break;
    else at++;
  }
  if (at > most) return tooLong(start);
  const end = Math.min(at, text.length);
  return { ok: true, text: resolveEscapes(text.slice(start, end)), end };
}

function tooLong(at: number): WordReading {
  return { ok: false, at, why: `what begins here is longer than ${LONGEST / 1024} KiB: a quote may be missing` };
}

/** White space as nginx sees it. */
export function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

function resolveEscapes(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\(["'\\trn])/g, (_, character: string) => ESCAPES[character]!) : text;
}
