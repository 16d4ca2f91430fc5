import type { Act, HomeserverAccount, Span } from './act.ts';
import { countLosses, type Judgement, judgeOutcome, waitedInVain } from './judge-outcome.ts';
import { matchUnread } from './match-unread.ts';
import type { Outcome } from './outcome.ts';
import { planRequest, type RequestPlan } from './request-plan.ts';
import { sumOf } from './watch-process.ts';

/** Of what went wrong, so much is told. */
export const NO_DEFECTS = 50;

/** What became of the requests. */
export interface RequestAccount {
  /** By what their end is. */
  readonly ends: Readonly<Record<Judgement['is'], number>>;
  /** Failures that the homeserver is the reason of, by what it did. */
  readonly explained: Readonly<Record<string, number>>;
  /** Losses of requests that the homeserver had not read, among these failures, and how many there may have been in all. */
  readonly unread: { readonly told: number; readonly most: number };
  /** At most 50, each with all that is known of it. */
  readonly defects: readonly string[];
  readonly byKind: Readonly<Record<string, number>>;
  readonly arrivals: number;
}

/** What all sides know at the end. */
export interface SoakEvidence extends HomeserverAccount {
  readonly outages: readonly Span[];
}

interface Unread {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  describe(): string;
}

/** Holds each outcome against what the homeserver did. `again`: answers to requests that had ended. Pure. */
export function accountFor(
  seed: number,
  outcomes: readonly Outcome[],
  evidence: SoakEvidence,
  again: number,
): RequestAccount {
  const ends = { answered: 0, explained: 0, left: 0, defect: again };
  const explained: Record<string, number> = {};
  const byKind: Record<string, number> = {};
  const defects: string[] = [];
  const unread: Unread[] = [];
  let arrivals = 0;
  outcomes.forEach((outcome, turn) => {
    const plan = planRequest(seed, turn);
    const acts = evidence.acts[plan.id] ?? [];
    const { starts, outages } = evidence;
    const judgement = judgeOutcome(plan, outcome, { acts, starts, outages });
    const describe = (): string => JSON.stringify({ plan, outcome, acts });
    ends[judgement.is]++;
    arrivals += acts.length;
    byKind[plan.kind] = (byKind[plan.kind] ?? 0) + 1;
    if (judgement.is === 'explained') {
      explained[judgement.by] = (explained[judgement.by] ?? 0) + 1;
      const count = judgement.unread;
      if (count > 0) unread.push({ from: outcome.at - outcome.took, to: outcome.at, count, describe });
    }
    if (judgement.is === 'defect') defects.push(`${judgement.what}: ${describe()}`);
  });
  for (const { count, describe } of matchUnread(unread, evidence.vanished)) {
    ends.explained--;
    ends.defect++;
    defects.push(`${count} losses are missing: ${describe()}`);
  }
  const told = unread.reduce((sum, { count }) => sum + count, 0);
  return {
    ends,
    explained,
    unread: { told, most: countVanished(evidence) },
    defects: defects.slice(0, NO_DEFECTS),
    byKind,
    arrivals,
  };
}

function countVanished({ vanished }: HomeserverAccount): number {
  return vanished.reduce((sum, { most }) => sum + most, 0);
}

/** As the sidecar counts, and as it is known here. */
export interface Counted {
  readonly sidecar: number;
  readonly least: number;
  readonly most: number;
}

/** What the sidecar counts, beside the bounds that follow from what happened. */
export function compareCounters(
  metrics: ReadonlyMap<string, number>,
  seed: number,
  outcomes: readonly Outcome[],
  evidence: SoakEvidence,
): Readonly<Record<string, Counted>> {
  let least = 0;
  let perhaps = countVanished(evidence);
  outcomes.forEach((outcome, turn) => {
    const plan = planRequest(seed, turn);
    const repeats = countRepeats(plan, outcome, evidence.acts[plan.id] ?? []);
    least += repeats.sure;
    perhaps += repeats.perhaps;
  });
  const limited = outcomes.filter(({ status, answers }) => status === 429 && answers === undefined).length;
  const inVain = outcomes.flatMap((outcome, turn) => {
    const plan = planRequest(seed, turn);
    return waitedInVain(plan, outcome) ? [countLosses(evidence.acts[plan.id] ?? [])] : [];
  });
  const exactly = (sidecar: number, known: number): Counted => ({ sidecar, least: known, most: known });
  const held = (outcome: string): number =>
    sumOf(metrics, 'matrix_sidecar_requests_held_total', `outcome="${outcome}"`);
  return {
    repeated: {
      sidecar: sumOf(metrics, 'matrix_sidecar_requests_repeated_total'),
      least,
      most: least + perhaps,
    },
    limited: exactly(sumOf(metrics, 'matrix_sidecar_requests_limited_total'), limited),
    // One that was lost late may have had no time left to wait.
    expired: {
      sidecar: held('expired'),
      least: inVain.filter((losses) => losses === 0).length,
      most: inVain.length,
    },
    refused: exactly(held('refused'), 0),
    held: exactly(sumOf(metrics, 'matrix_sidecar_requests_held'), 0),
  };
}

/** Times that the sidecar has sent it again for sure, or was about to. */
function countRepeats(plan: RequestPlan, outcome: Outcome, acts: readonly Act[]): { sure: number; perhaps: number } {
  if (plan.repeat === 'once' || plan.kind === 'socket') return { sure: 0, perhaps: 0 };
  const sure = countLosses(acts.slice(0, -1));
  const lastIsLost = countLosses(acts.slice(-1)) > 0;
  const gaveUp = outcome.status === 502 && outcome.answers === undefined;
  // Before it gave up, or before the client left; where the answer began, that was no loss.
  return { sure, perhaps: lastIsLost && sure < 2 && (gaveUp || outcome.end === 'left') ? 1 : 0 };
}
