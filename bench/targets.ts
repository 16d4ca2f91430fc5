import type { ContenderName, PeerName } from './peers/peer.ts';
import type { RowResult } from './result.ts';
import { median, ratioOfRounds } from './statistics.ts';

/** What a row has to reach. */
export interface Target {
  readonly row: string;
  /** Times the figure of a peer, at most. */
  readonly peers?: Readonly<Partial<Record<PeerName, number>>>;
  /** Figure of the row, at most or at least. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

const HANDSHAKE = { nginx: 1.1, caddy: 1 };
const TRANSFER = { nginx: 1.5, caddy: 1 };

export const TARGETS: readonly Target[] = [
  { row: 'small-get-h1', peers: { nginx: 1.3, caddy: 0.45 } },
  { row: 'small-get-h2', peers: { nginx: 1.5, caddy: 0.6 } },
  { row: 'handshake-full', peers: HANDSHAKE },
  { row: 'handshake-resumed', peers: HANDSHAKE },
  { row: 'well-known', peers: { nginx: 1.3, caddy: 0.6 } },
  { row: 'download-100m', peers: TRANSFER },
  { row: 'upload-100m', peers: TRANSFER },
  { row: 'idle-connections', atMost: 45_000 },
  { row: 'long-polls', atMost: 90_000 },
  { row: 'beside-long-polls', atMost: 1.1 },
  { row: 'first-answer', atMost: 300 },
  { row: 'idle-memory', atMost: 90 },
  { row: 'day', peers: { nginx: 1, haproxy: 1, caddy: 1 } },
  { row: 'processes', atLeast: 1.7 },
];

/** One condition of a target, and whether a row meets it. */
export interface Verdict {
  /** Undefined where the row's own figure counts. */
  readonly peer: PeerName | undefined;
  readonly relation: '≤' | '≥';
  readonly limit: number;
  readonly reached: number;
  readonly met: boolean;
}

/** Compares a row with its target. What was not measured has no verdict. */
export function judgeRow(row: RowResult, targets: readonly Target[] = TARGETS): Verdict[] {
  const target = targets.find((one) => one.row === row.name);
  const own = medianFigure(row, 'sidecar');
  if (target === undefined || own === undefined) return [];
  const { peers = {}, atMost, atLeast } = target;
  const verdicts: Verdict[] = [];
  for (const [peer, limit] of Object.entries(peers) as [PeerName, number][]) {
    const reached = ratioTo(row, peer);
    if (reached !== undefined) verdicts.push({ peer, relation: '≤', limit, reached, met: reached <= limit });
  }
  if (atMost !== undefined) {
    verdicts.push({ peer: undefined, relation: '≤', limit: atMost, reached: own, met: own <= atMost });
  }
  if (atLeast !== undefined) {
    verdicts.push({ peer: undefined, relation: '≥', limit: atLeast, reached: own, met: own >= atLeast });
  }
  return verdicts;
}

/** How many times the figure of another contender the sidecar's is. */
export function ratioTo(row: RowResult, other: ContenderName): number | undefined {
  return ratioBetween(row, 'sidecar', other);
}

/** How many times the figure of one contender that of another is: the median over the rounds. */
export function ratioBetween(row: RowResult, one: ContenderName, other: ContenderName): number | undefined {
  return ratioOfRounds(figures(row, one), figures(row, other));
}

/** The figure of a contender, median of its rounds; undefined where it has none. */
export function medianFigure(row: RowResult, contender: ContenderName): number | undefined {
  const all = figures(row, contender).filter((figure) => figure !== undefined);
  return all.length === 0 ? undefined : median(all);
}

function figures(row: RowResult, contender: ContenderName): (number | undefined)[] {
  return (row.cells[contender] ?? []).map((cell) => cell?.figure);
}
