import type { Severity } from './finding-kinds.ts';
import type { Outcome, PlaceView, ReportView } from './render-view.ts';
import type { Finding } from './verdict.ts';

/** How is written: plain, or with the colours of a terminal. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

export interface HumanOptions {
  readonly paint: Paint;
  /** Columns of the terminal. Exact lines to copy, the first line and the last one are never broken. */
  readonly width: number;
}

const MARKS: Readonly<Record<PlaceView['state'], string>> = { good: '✓', bad: '✗', skipped: '-' };
const OUTCOME: Readonly<Record<Outcome, keyof Paint>> = { good: 'good', warned: 'warn', bad: 'bad', unknown: 'warn' };
const SEVERITY: Readonly<Record<Severity, keyof Paint>> = { error: 'bad', warning: 'warn', info: 'strong' };
/** Beyond this, lines are hard to read, and below it, nothing helps. */
const [WIDEST, NARROWEST] = [100, 40];

/** The first line says what is the case, the last one what to do; between them, how it was found out. */
export function renderHuman(view: ReportView, { paint, width }: HumanOptions): string {
  const columns = Math.min(WIDEST, Math.max(NARROWEST, width));
  const context = { paint, columns };
  const blocks = [
    [paint[OUTCOME[view.outcome]](view.firstLine)],
    renderWay(view, context),
    ...view.findings.map((finding) => renderFinding(finding, context)),
    renderExplained(view, context),
    renderRest(view, context),
    [paint.strong(view.lastLine)],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

interface Context {
  readonly paint: Paint;
  readonly columns: number;
}

function renderWay({ steps, places, asked }: ReportView, context: Context): readonly string[] {
  if (steps.length === 0) return [];
  const { paint } = context;
  const numbers = Math.max(...steps.map(({ step }) => step.length));
  return [
    `  How other servers find ${asked}:`,
    ...steps.flatMap(({ step, what }) => {
      const [first = '', ...more] = wrapWords(what, context.columns - 6 - numbers);
      const indent = ' '.repeat(6 + numbers);
      return [`    ${paint.faint(step.padEnd(numbers))}  ${first}`, ...more.map((line) => `${indent}${line}`)];
    }),
    ...places.flatMap((place) => renderPlace(place, context)),
  ];
}

function renderPlace({ place, host, state, seen }: PlaceView, { paint, columns }: Context): readonly string[] {
  const colour = state === 'skipped' ? paint.faint : paint[state];
  const name = place.startsWith(host) ? '' : paint.faint(` (${host})`);
  return [
    `    ${colour(`${MARKS[state]} ${place}`)}${name}`,
    ...wrapWords(seen.join(', '), columns - 6).map((line) => paint.faint(`      ${line}`)),
  ];
}

function renderFinding({ id, severity, title, evidence, fix, lines }: Finding, context: Context): readonly string[] {
  const { paint, columns } = context;
  const told = (label: string, text: string): readonly string[] => {
    const [first = '', ...more] = wrapWords(text, columns - 10);
    return [`    ${paint.faint(label)}${first}`, ...more.map((line) => `          ${line}`)];
  };
  return [
    `  ${paint[SEVERITY[severity]](`${severity}: ${title}`)} ${paint.faint(`[${id}]`)}`,
    ...evidence.flatMap((one) => told('seen  ', one)),
    ...told('fix   ', fix),
    ...lines.map((line) => `            ${paint.strong(line)}`),
  ];
}

function renderExplained({ explains }: ReportView, { columns }: Context): readonly string[] {
  if (explains.length === 0) return [];
  const text = `This is why ${explains.join(', and why ')}.`;
  return wrapWords(text, columns - 2).map((line) => `  ${line}`);
}

function renderRest({ notTested, differs, signedBy, took }: ReportView, context: Context): readonly string[] {
  const all = [
    ...(signedBy === undefined ? [] : [`Requests were signed in the name of ${signedBy}.`]),
    ...notTested.map(({ what, why }) => `Not tested: ${what}, since ${why}.`),
    ...(differs === undefined ? [] : [`The public federation tester says otherwise: ${differs}.`]),
    `The test took ${took}.`,
  ];
  return all.flatMap((text) => wrapWords(text, context.columns - 2).map((line) => context.paint.faint(`  ${line}`)));
}

/** Words that are longer than a line stay whole: they are addresses, to be copied. */
function wrapWords(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
