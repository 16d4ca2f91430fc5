import type { Store } from '../store/store.ts';
import { parseJson } from './read-problem.ts';

/** Why nothing is ordered for a set of names, for other processes: the keeper alone finds out. */
export interface StoredVeto {
  /** When preflight first said no, without saying yes since; milliseconds since the epoch. */
  readonly since: number;
  /** A sentence or more. */
  readonly why: string;
  readonly findings: readonly StoredVetoFinding[];
}

/** One of the things that stand in the way, and what to do about it. */
export interface StoredVetoFinding {
  readonly id: string;
  readonly what: string;
  readonly fix: string;
}

/** More are of no use to a person who reads them. */
const MOST_FINDINGS = 50;

const VETOES_PREFIX = 'acme/vetoes/';

function vetoKey(setId: string): string {
  return `${VETOES_PREFIX}${setId}.json`;
}

/** The sets of which a veto is stored, by their ids. */
export async function listVetoes(store: Pick<Store, 'list'>): Promise<string[]> {
  const keys = await store.list(VETOES_PREFIX);
  return keys.flatMap((key) => /^([^/]+)\.json$/.exec(key.slice(VETOES_PREFIX.length))?.[1] ?? []);
}

/** Undefined where nothing stands in the way, as far as is known, or the value cannot be read. */
export async function readVeto(store: Pick<Store, 'read'>, setId: string): Promise<StoredVeto | undefined> {
  const bytes = await store.read(vetoKey(setId));
  const value: unknown = bytes === undefined ? undefined : parseJson(bytes.toString());
  if (typeof value !== 'object' || value === null) return undefined;
  const { since, why, findings } = value as Record<string, unknown>;
  if (typeof since !== 'number' || typeof why !== 'string' || !Array.isArray(findings)) return undefined;
  return { since, why, findings: findings.slice(0, MOST_FINDINGS).flatMap(readFinding) };
}

function readFinding(value: unknown): StoredVetoFinding[] {
  const { id, what, fix } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return typeof id === 'string' && typeof what === 'string' && typeof fix === 'string' ? [{ id, what, fix }] : [];
}

/** Stores a veto; it stands since the one that is stored already, whatever that was about. */
export async function writeVeto(
  store: Pick<Store, 'read' | 'write'>,
  setId: string,
  veto: { readonly now: number; readonly why: string; readonly findings: readonly StoredVetoFinding[] },
): Promise<void> {
  const { now, why, findings } = veto;
  const since = Math.min((await readVeto(store, setId))?.since ?? now, now);
  const kept = findings.slice(0, MOST_FINDINGS).map(({ id, what, fix }) => ({ id, what, fix }));
  await store.write(vetoKey(setId), Buffer.from(JSON.stringify({ since, why, findings: kept })));
}

/** Nothing stands in the way any more. Nothing to remove is no error. */
export async function clearVeto(store: Pick<Store, 'remove'>, setId: string): Promise<void> {
  await store.remove(vetoKey(setId));
}
