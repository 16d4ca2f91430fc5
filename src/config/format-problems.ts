import type { ConfigProblem } from './config.ts';

/** One line for each problem: `FILE:LINE:COLUMN KEY: WHAT. FIX.` Ends with a line end; empty for no problems. */
export function formatConfigProblems(problems: readonly ConfigProblem[]): string {
  return problems.map((problem) => `${formatProblem(problem)}\n`).join('');
}

function formatProblem({ file, line, column, key, what, fix }: ConfigProblem): string {
  const place = [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
  const subject = key === '' ? place : `${place} ${key}`;
  return `${subject}: ${what}. ${/[.?!\n]$/.test(fix) ? fix : `${fix}.`}`;
}
