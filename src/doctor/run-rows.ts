import { describeError, SidecarError } from '../base/errors.ts';
import type { Finding } from '../base/finding.ts';
import type { System } from '../base/system.ts';
import { concludeRow, NOT_CHECKED, type Row, type RowResult, type Seen } from './row.ts';

export interface RunRowsSlice {
  readonly rows: readonly Row[];
  /** Milliseconds for a row that says nothing else, and for all of them. */
  readonly deadline: { readonly row: number; readonly total: number };
}

export interface RunRowsDeps {
  readonly system: System;
  /** Called before a row is looked at, and with its result. */
  onBegin?(row: Row): void;
  onResult?(result: RowResult): void;
}

/** Milliseconds without which no look is begun. */
const LEAST = 20;

/**
 * Looks at the rows one after the other. One that needs a row with an error, or that comes when the time is over, is
 * not checked, and says why. Never rejects.
 */
export async function runRows({ rows, deadline }: RunRowsSlice, deps: RunRowsDeps): Promise<readonly RowResult[]> {
  const { system } = deps;
  const until = system.monotonic() + deadline.total;
  const results = new Map<string, RowResult>();
  for (const row of rows) {
    const began = system.monotonic();
    const why =
      whyNot(row, results) ?? (until - began < LEAST ? `${seconds(deadline.total)} were over before it` : undefined);
    let seen: Seen;
    if (why === undefined) {
      deps.onBegin?.(row);
      seen = await runOne(row, Math.min(row.deadline ?? deadline.row, until - began), system);
    } else {
      seen = { seen: '', findings: [], notChecked: why };
    }
    const result = concludeRow(row, seen, Math.round(system.monotonic() - began));
    results.set(row.id, result);
    deps.onResult?.(result);
  }
  return [...results.values()];
}

/** The first row that it needs and that failed, or that was not checked itself. */
function whyNot(row: Row, results: ReadonlyMap<string, RowResult>): string | undefined {
  for (const id of row.needs) {
    const ground = results.get(id);
    if (ground?.state === 'error') return ground.because ?? `this is not so: ${ground.title}`;
    // The first reason is the one that a person can do something about.
    if (ground?.state === 'not-checked') return ground.seen.replace(NOT_CHECKED, '');
  }
  return undefined;
}

async function runOne(row: Row, most: number, system: System): Promise<Seen> {
  const controller = new AbortController();
  const late: Finding = {
    id: 'doctor-row-late',
    severity: 'error',
    what: `This took longer than ${seconds(most)} and was given up: ${row.title}.`,
    fix: row.hint,
  };
  let giveUp: (seen: Seen) => void = () => {};
  const lateness = new Promise<Seen>((resolve) => {
    giveUp = resolve;
  });
  const timer = system.setTimer(most, () => {
    controller.abort(new Error('the time of this row is over'));
    giveUp({ seen: `nothing within ${seconds(most)}`, findings: [late] });
  });
  try {
    // A row that does not hear the signal must not hold up the others.
    return await Promise.race([row.run(controller.signal), lateness]);
  } catch (error) {
    return controller.signal.aborted ? lateness : { seen: describeError(error), findings: [explain(error, row)] };
  } finally {
    timer.cancel();
  }
}

function explain(error: unknown, row: Row): Finding {
  const fix = error instanceof SidecarError && error.hint !== undefined ? error.hint : row.hint;
  const id = error instanceof SidecarError ? error.code : 'unexpected';
  return { id, severity: 'error', what: describeError(error), fix };
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1000))} s`;
}
