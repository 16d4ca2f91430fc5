import type { Finding, Severity } from '../base/finding.ts';

/** One thing that doctor looks at. */
export interface Row {
  /** Unique among the rows: `dns:example.com`. */
  readonly id: string;
  /** What is right when all is well, as a sentence without its full stop. */
  readonly title: string;
  /** Rows without which this one cannot be looked at: an error in one of them, and it is left out. */
  readonly needs: readonly string[];
  /** What to do when the look itself cannot be finished, one sentence. */
  readonly hint: string;
  /** Milliseconds, where the usual deadline of a row does not do. */
  readonly deadline?: number;
  /** May reject: with a SidecarError when something has to be mended first, else because of a defect. */
  run(signal: AbortSignal): Promise<Seen>;
}

/** What a row has seen. */
export interface Seen {
  /** One line of facts, for the person who wants to see for themselves. */
  readonly seen: string;
  /** Empty when all is well. */
  readonly findings: readonly Finding[];
  /** Set when there was nothing to look at after all: half a sentence after "because". */
  readonly notChecked?: string;
  /** With an error: what is the case instead of the title, a clause for the rows that need this one. */
  readonly because?: string;
}

/** `not-checked` is neither good nor bad; otherwise the severity of the worst finding, or `fine`. */
export type RowState = 'fine' | Severity | 'not-checked';

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly state: RowState;
  /** What was seen, or why nothing was. */
  readonly seen: string;
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** Milliseconds. */
  readonly took: number;
  /** As in `Seen`. */
  readonly because?: string;
}

/** How `seen` begins in a row that was not checked; the reason follows. */
export const NOT_CHECKED = 'not checked, because ';

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** The worst first, otherwise in their order. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

/** The result of a row that was looked at. */
export function concludeRow(row: Pick<Row, 'id' | 'title'>, seen: Seen, took: number): RowResult {
  const { id, title } = row;
  const findings = sortFindings(seen.findings);
  if (seen.notChecked !== undefined && findings.length === 0)
    return { id, title, state: 'not-checked', seen: `${NOT_CHECKED}${seen.notChecked}`, findings, took };
  const state = findings[0]?.severity ?? 'fine';
  const { because } = seen;
  return { id, title, state, seen: seen.seen, findings, took, ...(because === undefined ? {} : { because }) };
}
