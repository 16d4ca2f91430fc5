/** How lines are shown to somebody who watches. */
export interface TerminalSlice {
  readonly colour: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** The places of a level's name, so that sentences begin below each other. */
const WIDTH = 5;
/** Where a second line begins: below the sentence. */
const INDENT = ' '.repeat('12:34:56Z '.length + WIDTH + 1);
/** Characters of one field. */
const LONGEST = 200;
const COLOURS: Readonly<Record<string, number>> = { debug: 2, info: 32, warn: 33, error: 31 };
const [DIM, CYAN] = [2, 36];
/** Said elsewhere on the line, or of use to machines alone. */
const UNSHOWN = new Set(['time', 'level', 'msg', 'err', 'hint', 'fix']);
const UNSHOWN_OF_REQUEST = new Set([...UNSHOWN, 'method', 'host', 'path', 'status', 'ms', 'http', 'listener', 'blame']);

/**
 * A line of the log (pino's JSON) for a terminal: time (UTC), level, sentence, the fields that matter, and below it what
 * happened and what to do. What is no such line stays as it is. No control character of a stranger's gets through. Pure.
 */
export function formatForTerminal(json: string, { colour }: TerminalSlice): string {
  const line = parse(json);
  if (line === undefined) return json;
  const paint = (text: string, code: number): string => (colour && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  const level = String(line['level'] ?? '');
  const isRequest = line['msg'] === 'request' && 'status' in line;
  const sentence = isRequest ? describeRequest(line) : clean(String(line['msg'] ?? ''));
  const unshown = isRequest ? UNSHOWN_OF_REQUEST : UNSHOWN;
  const fields = Object.entries(line).filter(([name, value]) => !unshown.has(name) && !isText(value));
  const head = [
    paint(`${String(line['time'] ?? '').slice(11, 19)}Z`, DIM),
    paint(level.toUpperCase().padEnd(WIDTH), COLOURS[level] ?? 0),
    sentence,
    paint(fields.flatMap(([name, value]) => showField(name, value)).join(' '), DIM),
  ];
  const below = [
    ...Object.values(line).flatMap((value) => (isText(value) ? value.map(clean) : [])),
    ...describeError(line['err'], sentence),
    ...readTexts(line, line['err']).map((text) => paint(`→ ${text}`, CYAN)),
  ];
  return [head.filter((part) => part !== '').join(' '), ...below.map((text) => `${INDENT}${text}`), ''].join('\n');
}

function parse(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `GET a.test/_matrix/… 200 in 12 ms`. */
function describeRequest(line: Fields): string {
  const { method, host, path, status, ms } = line;
  return clean(
    `${String(method)} ${typeof host === 'string' ? host : ''}${String(path)} ${String(status)} in ${String(ms)} ms`,
  );
}

/** What happened, where the sentence does not say it; of a defect, where. */
function describeError(err: unknown, sentence: string): string[] {
  if (!isFields(err)) return err === undefined ? [] : [showValue(err)];
  const { message, stack, cause } = err;
  if (typeof stack === 'string') return stack.split('\n').map(clean);
  const words = typeof message === 'string' ? clean(message) : '';
  const own = words === '' || sentence.includes(words) ? [] : [words];
  return [...own, ...(cause === undefined ? [] : describeError(cause, `${sentence} ${words}`))];
}

/** What to do. */
function readTexts(...places: readonly unknown[]): string[] {
  const texts = places.flatMap((place) => (isFields(place) ? [place['fix'], place['hint']] : []));
  return [...new Set(texts.filter((text) => typeof text === 'string').map(clean))];
}

/** `name=value`; what has parts, part by part, and of a list of such the number. */
function showField(name: string, value: unknown): string[] {
  if (isFields(value)) return Object.entries(value).flatMap(([part, inner]) => showField(`${name}.${part}`, inner));
  if (Array.isArray(value) && value.length === 0) return [];
  return [`${clean(name)}=${showValue(value)}`];
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return value.some(isFields) ? String(value.length) : showValue(value.join(','));
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const shown = clean(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
  return typeof value === 'string' && /[\s"=]|^$/.test(shown) ? JSON.stringify(shown) : shown;
}

/** A terminal obeys control characters, and shows what stands before a change of direction behind it. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (found) => {
    return `\\u{${found.codePointAt(0)!.toString(16)}}`;
  });
}

/** Lines of text, such as the problems of a configuration. */
function isText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.some((one) => typeof one === 'string' && one.includes(' '));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
