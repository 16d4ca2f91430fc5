import { FINDING_KINDS, type FindingKind, type Severity } from './finding-kinds.ts';
import { tameLine } from './quote.ts';
import type { Finding, Remark } from './verdict.ts';

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };
/** A server with a hundred addresses need not be told a hundred times. */
const MOST_EVIDENCE = 8;
const MOST_LINES = 20;
/** Characters. */
const LONGEST_EVIDENCE = 1_000;

/** Makes one finding of all remarks of a kind, errors first, otherwise in the order in which they were made. */
export function collectFindings(remarks: readonly Remark[]): readonly Finding[] {
  const byKind = Map.groupBy(remarks, ({ id }) => id);
  const findings = [...byKind].map(([id, alike]): Finding => {
    const kind: FindingKind = FINDING_KINDS[id];
    const severity = alike
      .map((remark) => remark.severity ?? kind.severity)
      .reduce((worst, each) => (RANK[each] < RANK[worst] ? each : worst));
    const seen = [...new Set(alike.map(({ evidence }) => tameLine(evidence.slice(0, LONGEST_EVIDENCE))))];
    const evidence = seen.slice(0, MOST_EVIDENCE);
    if (seen.length > MOST_EVIDENCE) evidence.push(`and ${seen.length - MOST_EVIDENCE} more`);
    return {
      id,
      severity,
      title: alike[0]!.title ?? kind.title,
      evidence,
      fix: alike[0]!.fix,
      lines: [...new Set(alike.flatMap(({ lines }) => lines ?? []))].slice(0, MOST_LINES).map(tameLine),
      // What is only a warning explains no failure.
      explains: severity === 'error' ? kind.explains : [],
    };
  });
  return findings.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
}
