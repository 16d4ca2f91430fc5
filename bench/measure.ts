import { BenchError } from './bench-error.ts';
import type { Bench, Experiment, Prepared } from './experiments/experiment.ts';
import { type ContenderName, TITLES } from './peers/peer.ts';
import type { Cell, RowResult } from './result.ts';
import { orderOfRound } from './statistics.ts';

export interface Measured {
  readonly rows: readonly RowResult[];
  readonly skipped: readonly { readonly row: string; readonly why: string }[];
  readonly failures: readonly string[];
}

export interface Plan {
  readonly experiments: readonly Experiment[];
  readonly contenders: readonly ContenderName[];
  readonly rounds: number;
  readonly openFiles: number;
}

/**
 * Makes all experiments, one after another: everyone takes a turn in each round, and the order turns round from one to
 * the next. Who fails in an experiment is out of it; that is said, and the others go on.
 */
export async function measureAll(bench: Bench, plan: Plan, tell: (line: string) => void): Promise<Measured> {
  const rows: RowResult[] = [];
  const skipped: { row: string; why: string }[] = [];
  const failures: string[] = [];
  for (const experiment of plan.experiments) {
    const why = await whyNot(bench, experiment, plan.openFiles);
    if (why !== undefined) {
      for (const row of experiment.rows) skipped.push({ row: row.name, why });
      tell(`${namesOf(experiment)}: skipped, ${why}`);
      continue;
    }
    const contenders = plan.contenders.filter((name) => experiment.alone !== true || name === 'sidecar');
    const turns = await takeTurns(bench, experiment, contenders, plan.rounds, (name, sentence) => {
      failures.push(`${namesOf(experiment)}, ${TITLES[name]}: ${sentence}`);
      tell(failures.at(-1)!);
    });
    experiment.rows.forEach((row, index) => {
      const cells = [...turns].map(([name, rounds]) => [name, rounds.map((all) => all?.[index] ?? null)]);
      rows.push({ ...row, cells: Object.fromEntries(cells) });
    });
    tell(`${namesOf(experiment)}: done`);
  }
  return { rows, skipped, failures };
}

type Turns = Map<ContenderName, (readonly Cell[] | undefined)[]>;

async function takeTurns(
  bench: Bench,
  experiment: Experiment,
  contenders: readonly ContenderName[],
  rounds: number,
  fail: (name: ContenderName, sentence: string) => void,
): Promise<Turns> {
  const ready = new Map<ContenderName, Prepared>();
  const turns: Turns = new Map();
  const attempt = async (name: ContenderName, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await ready.get(name)?.finish();
      ready.delete(name);
      fail(name, error instanceof BenchError ? error.message : String(error));
    }
  };
  for (const name of contenders) {
    turns.set(name, []);
    await attempt(name, async () => void ready.set(name, await experiment.prepare(bench, name)));
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOfRound(contenders, round)) {
      const prepared = ready.get(name);
      if (prepared === undefined) continue;
      await attempt(name, async () => {
        turns.get(name)![round] = await prepared.measure();
      });
    }
  }
  for (const prepared of ready.values()) await prepared.finish();
  return turns;
}

async function whyNot(bench: Bench, experiment: Experiment, openFiles: number): Promise<string | undefined> {
  if (openFiles < experiment.openFiles) {
    return `it takes ${experiment.openFiles} open files, and a process may have ${openFiles} here: ulimit -n ${experiment.openFiles}`;
  }
  return experiment.obstacle?.(bench);
}

function namesOf(experiment: Experiment): string {
  return experiment.rows.map((row) => row.name).join(', ');
}
