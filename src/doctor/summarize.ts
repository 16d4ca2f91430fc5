import type { Finding } from '../base/finding.ts';
import { type RowResult, type RowState, sortFindings } from './row.ts';

/** What it all comes to. */
export interface Summary {
  /** Whether nothing is wrong; `info` and rows that were not checked count for nothing. */
  readonly ok: boolean;
  /** What is wrong, one sentence. */
  readonly first: string;
  /** What to do next, one sentence. */
  readonly last: string;
  readonly count: Readonly<Record<RowState, number>>;
}

/** Pure. The first problem in the order of the rows is the one to begin with: later ones may follow from it. */
export function summarize(results: readonly RowResult[]): Summary {
  const count = { fine: 0, error: 0, warning: 0, info: 0, 'not-checked': 0 };
  for (const { state } of results) count[state] += 1;
  const first = sortFindings(results.flatMap(({ findings }) => findings))[0];
  const looked = results.length - count['not-checked'];
  if (first === undefined || first.severity === 'info') {
    return {
      ok: true,
      first: looked === 0 ? 'Nothing was checked.' : `Nothing is wrong: ${number(looked, 'check')} passed.`,
      last: describeRest(first, results),
      count,
    };
  }
  const others = results.flatMap(({ findings }) => findings).filter(({ severity }) => severity !== 'info').length - 1;
  const more = others === 0 ? '' : ` And ${number(others, 'more problem')}.`;
  return { ok: false, first: `${first.what}${more}`, last: describeStep(first), count };
}

function describeStep({ fix, lines, place }: Finding): string {
  const where = place === undefined ? '' : ` (${formatPlace(place)})`;
  const how = lines === undefined ? '' : ' The exact lines are above.';
  return `Next: ${fix}${how}${where}`.trimEnd();
}

/** With nothing wrong, what remains to be said. */
function describeRest(advice: Finding | undefined, results: readonly RowResult[]): string {
  if (advice !== undefined) return `Nothing has to be done. Worth a look: ${advice.fix}`;
  const unchecked = results.find(({ state }) => state === 'not-checked');
  return unchecked === undefined
    ? 'Nothing has to be done.'
    : `Nothing has to be done. ${unchecked.title}: ${unchecked.seen}.`;
}

/** `homeserver.yaml:12`. */
export function formatPlace({ file, line }: NonNullable<Finding['place']>): string {
  return line === undefined ? file : `${file}:${line}`;
}

function number(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
