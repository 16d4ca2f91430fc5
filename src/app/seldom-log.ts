import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';

/** Milliseconds between two lines of one kind. */
const BETWEEN = 60_000;

/** Says something of what strangers can make happen as often as they like. `code` is its kind. */
export type SeldomLog = (
  fields: { readonly code: string; readonly [field: string]: unknown },
  sentence: string,
) => void;

/** Writes a warning the first time, and then at most once a minute with how often it happened meanwhile, as `times`. */
export function createSeldomLog({ system, log }: { readonly system: System; readonly log: Log }): SeldomLog {
  const kinds = new Map<string, { since: number; times: number }>();
  return (fields, sentence) => {
    const kind = kinds.get(fields.code) ?? { since: Number.NEGATIVE_INFINITY, times: 0 };
    kinds.set(fields.code, kind);
    kind.times++;
    const now = system.monotonic();
    if (now - kind.since < BETWEEN) return;
    log.warn({ ...fields, times: kind.times }, sentence);
    kind.since = now;
    kind.times = 0;
  };
}
