import { type Document, visit, type YAMLError } from 'yaml';

/** What is wrong with a line that is no YAML, and what to do. */
export interface SyntaxAdvice {
  readonly what: string;
  readonly fix: string;
}

type ErrorCode = YAMLError['code'];

const QUOTES = 'Put the value in quotes if it starts with one of [ { * & ! | > % @ ` or holds ": " or " #"';
const INDENT = 'Keys of the same mapping start in the same column, and what belongs to a key is indented deeper';

const ADVICE: Readonly<Partial<Record<ErrorCode, SyntaxAdvice>>> = {
  TAB_AS_INDENT: {
    what: 'a tab stands in the indentation, where YAML allows spaces only',
    fix: 'Replace the tab by spaces',
  },
  BAD_INDENT: { what: 'the indentation does not fit the lines above', fix: INDENT },
  BLOCK_AS_IMPLICIT_KEY: { what: 'a second "key: value" begins inside a value', fix: QUOTES },
  BLOCK_IN_FLOW: {
    what: 'a mapping or list over several lines begins inside { } or [ ]',
    fix: 'Write it inside the brackets with commas, or write all of it without brackets',
  },
  BAD_SCALAR_START: { what: 'a value starts with a character that YAML reserves', fix: QUOTES },
  BAD_DQ_ESCAPE: {
    what: 'a backslash in "double quotes" begins no known escape',
    fix: "Write \\\\ for a backslash, or use 'single quotes'",
  },
  MULTILINE_IMPLICIT_KEY: {
    what: 'a key is spread over several lines, or a quote is not closed',
    fix: 'Close the quote on the line where it opens, and write each key on a line of its own',
  },
  UNEXPECTED_TOKEN: { what: 'something stands here that YAML cannot place', fix: QUOTES },
  MULTIPLE_DOCS: {
    what: 'a second YAML document begins here',
    fix: 'Keep one document in the file: remove the line --- and what follows it, or merge the two',
  },
  RESOURCE_EXHAUSTION: {
    what: 'the brackets are nested far too deep',
    fix: 'Check for brackets that are never closed',
  },
  TAG_RESOLVE_FAILED: {
    what: 'a tag (a word that starts with !) has no meaning here',
    fix: 'Remove the tag, or put the value in quotes if the exclamation mark belongs to it',
  },
  NON_STRING_KEY: { what: 'a list or mapping stands where the name of a key is needed', fix: QUOTES },
  KEY_OVER_1024_CHARS: { what: 'a key is longer than 1024 characters', fix: 'Check for a line break that is missing' },
};

/** One of the yaml package's findings as a sentence and its fix, and the offset to show. */
export function describeSyntaxError(error: YAMLError, document: Document.Parsed, text: string): SyntaxAdvice & Located {
  const offset = error.pos[0];
  const rest = text.slice(offset, text.indexOf('\n', offset) === -1 ? text.length : text.indexOf('\n', offset));
  if (error.code === 'MISSING_CHAR' && error.message.includes('quote')) {
    const what = 'the quote that opens here is never closed';
    return { offset: findOpenQuote(document, offset), what, fix: 'Close it on the same line' };
  }
  if (error.code === 'MISSING_CHAR' && error.message.startsWith('Implicit map key')) {
    return {
      offset,
      what: 'a key has no colon and value after it',
      fix: 'Write key: value, with a space after the colon',
    };
  }
  const address = /(\[[0-9a-f.]*:[0-9a-f:.]*\]):\d+/i.exec(lineAround(text, offset));
  if (address !== null) {
    return { offset, what: 'a bracket begins a list in YAML', fix: `Put the address in quotes: "${address[0]}"` };
  }
  // The value goes on in the next line because that line is indented deeper than the key.
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY' && !/:(\s|$)/.test(rest)) {
    const what = 'the next line is indented as if it were a part of this value';
    return { offset, what, fix: 'Start its key in the same column as the key of this line' };
  }
  return { offset, ...(ADVICE[error.code] ?? { what: `this is no YAML (${error.message})`, fix: QUOTES }) };
}

interface Located {
  /** From 0, into the text. */
  readonly offset: number;
}

/** The parser notices a missing quote where the text ends; the person wants to know where it began. */
function findOpenQuote(document: Document.Parsed, end: number): number {
  let start = end;
  visit(document, {
    Scalar(_, node) {
      const begin = node.range?.[0];
      const quoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE';
      if (quoted && begin !== undefined && begin < end) start = begin;
    },
  });
  return start;
}

function lineAround(text: string, offset: number): string {
  const begin = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  return text.slice(begin, end === -1 ? text.length : end).slice(0, 1000);
}
