import { wrapText } from '../../advise/wrap-text.ts';
import type { Finding, Severity } from '../../base/finding.ts';
import { formatPlace } from '../../import/place.ts';
import type { Paint } from '../demo/demo-text.ts';

const WORDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

/** What was found, for a person: where, what, and what to do, with a line that counts them first. */
export function renderFindings(findings: readonly Finding[], program: string, paint: Paint): string {
  if (findings.length === 0) return `Nothing was found wrong in what ${program} does, and nothing is left out.\n`;
  const blocks = findings.map((finding) => renderFinding(finding, paint));
  return `${paint.strong(`Found in what ${program} does: ${countAll(findings)}.`)}\n\n${blocks.join('\n')}`;
}

function renderFinding({ id, severity, what, fix, lines = [], place }: Finding, paint: Paint): string {
  const word = (severity === 'info' ? paint.strong : paint.bad)(WORDS[severity]);
  const where = place === undefined ? '' : ` ${formatPlace(place)}`;
  const text = [
    `${word}${where} ${paint.faint(`[${id}]`)}`,
    `  ${wrapText(what, '  ')}`,
    `  ${wrapText(fix, '  ')}`,
    ...lines.map((line) => `    ${line}`),
  ];
  return `${text.join('\n')}\n`;
}

function countAll(findings: readonly Finding[]): string {
  const counts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${WORDS[severity]}${count === 1 ? '' : 's'}`];
  });
  return counts.join(', ');
}
