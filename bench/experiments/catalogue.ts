import { idleExperiment, longPollExperiment } from './connections.ts';
import { dayExperiment } from './day.ts';
import type { Experiment } from './experiment.ts';
import { handshakeExperiments } from './handshakes.ts';
import { processesExperiment } from './processes.ts';
import { requestExperiments } from './requests.ts';
import { startExperiment } from './start.ts';

/** Everything that is measured, in the order of the table. */
export const CATALOGUE: readonly Experiment[] = [
  ...requestExperiments.slice(0, 5),
  ...handshakeExperiments,
  ...requestExperiments.slice(5),
  idleExperiment,
  longPollExperiment,
  startExperiment,
  dayExperiment,
  processesExperiment,
];

/** The rows of `quick`, by the begin of their names. */
export const QUICK_ROWS: readonly string[] = ['small-get', 'handshake-full', 'well-known', 'first-answer'];

/** Names of all rows. */
export const ROW_NAMES: readonly string[] = CATALOGUE.flatMap((experiment) => experiment.rows.map((row) => row.name));

/** The experiments that fill the rows whose names begin so; all where none is named. */
export function chooseExperiments(wanted: readonly string[]): readonly Experiment[] {
  if (wanted.length === 0) return CATALOGUE;
  return CATALOGUE.filter(({ rows }) => rows.some((row) => wanted.some((begin) => row.name.startsWith(begin))));
}
