import { badAnswer } from './wire-error.ts';

/** The head of an answer; each char of its strings is a byte (ISO 8859-1). */
export interface AnswerHead {
  readonly status: number;
  /** Empty where there is none. */
  readonly reason: string;
  readonly httpVersion: '1.0' | '1.1';
  /** Name, value, name, value; order, case and duplicates kept. */
  readonly fields: readonly string[];
}

/** A reason phrase may be missing, and many leave its space out with it (RFC 9112 section 4). */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const NO_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const SPACE = 0x20;
const TAB = 0x09;

/** Reads status line and field lines, without the empty line behind them. Throws a WireError. RFC 9112 sections 4 and 5. */
export function parseAnswerHead(text: string): AnswerHead {
  const stop = text.indexOf('\r\n');
  const line = STATUS_LINE.exec(stop === -1 ? text : text.slice(0, stop));
  if (line === null) throw badAnswer('its status line is malformed');
  return {
    status: Number(line[2]),
    reason: line[3] ?? '',
    httpVersion: line[1] === '1' ? '1.1' : '1.0',
    fields: stop === -1 ? [] : parseFields(text, stop + 2),
  };
}

/**
 * Reads the field lines from `at` on, each but the last with its CRLF. Throws a WireError at what RFC 9112 section 5 does not
 * allow: folded lines and space before the colon (neither begins with a token), control characters, a bare CR or LF.
 */
export function parseFields(text: string, at = 0): string[] {
  const fields: string[] = [];
  let from = at;
  while (from < text.length) {
    let stop = text.indexOf('\r\n', from);
    if (stop === -1) stop = text.length;
    const colon = text.indexOf(':', from);
    if (colon === -1 || colon >= stop || colon === from) throw badAnswer('a header line has no name');
    const name = text.slice(from, colon);
    if (NO_TOKEN.test(name)) throw badAnswer('the name of a header field is malformed');
    const value = trim(text, colon + 1, stop);
    if (NO_VALUE.test(value)) throw badAnswer(`the header field ${name} has a control character`);
    fields.push(name, value);
    from = stop + 2;
  }
  return fields;
}

/** Without spaces and tabs around it; String.trim takes away more than those. */
function trim(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
