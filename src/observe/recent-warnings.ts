import type { Log, LogMethod } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { hideSecrets } from './hide-secrets.ts';

/** Something that the log warned of. */
export interface RecentWarning {
  readonly level: 'warning' | 'error';
  /** Its entry in docs/troubleshooting.md; null where it has none. */
  readonly code: string | null;
  /** What there is to say, in a sentence or two. */
  readonly what: string;
  /** What to do; null where the sentence says it, or nothing is to be done. */
  readonly fix: string | null;
  /** When it was first and last said; ISO 8601. */
  readonly first_at: string;
  readonly last_at: string;
  readonly times: number;
}

/** Remembers what the log warned of. */
export interface RecentWarnings {
  /** Writes to the given log, and remembers. */
  readonly log: Log;
  /** The newest first. */
  describe(): readonly RecentWarning[];
}

/** Different ones that are remembered, and characters of each that are. */
const MOST = 20;
const LONGEST = 600;

/** Requests that failed have their lines in the log, and their place in the metrics. */
const REQUEST = 'request';

/** Bounded: what is said again is counted, and the one that was not said for longest makes room. */
export function createRecentWarnings({ log, system }: { readonly log: Log; readonly system: System }): RecentWarnings {
  // In the order in which they were last said.
  const known = new Map<string, RecentWarning>();

  const remember =
    (level: RecentWarning['level'], write: LogMethod): LogMethod =>
    (fields, sentence) => {
      write(fields, sentence);
      if (sentence === REQUEST) return;
      const { code, id, fix, hint } = fields as Readonly<Record<string, unknown>>;
      const what = shorten(sentence);
      const key = `${level} ${what}`;
      const now = system.now();
      const last_at = new Date(now).toISOString();
      const before = known.get(key);
      known.delete(key);
      known.set(key, {
        level,
        code: text(code) ?? text(id) ?? null,
        what,
        fix: text(fix) ?? text(hint) ?? null,
        first_at: before?.first_at ?? last_at,
        last_at,
        times: (before?.times ?? 0) + 1,
      });
      if (known.size > MOST) known.delete(known.keys().next().value!);
    };

  return {
    log: {
      debug: (fields, sentence) => log.debug(fields, sentence),
      info: (fields, sentence) => log.info(fields, sentence),
      warn: remember('warning', (fields, sentence) => log.warn(fields, sentence)),
      error: remember('error', (fields, sentence) => log.error(fields, sentence)),
    },
    describe: () => [...known.values()].toReversed(),
  };
}

/** The same of several processes: what more than one of them said is one, and the newest are left. Pure. */
export function mergeLogged(lists: readonly (readonly RecentWarning[])[]): readonly RecentWarning[] {
  const merged = new Map<string, RecentWarning>();
  for (const one of lists.flat()) {
    const key = `${one.level} ${one.what}`;
    const other = merged.get(key);
    merged.set(key, other === undefined ? one : mergeWarning(other, one));
  }
  return [...merged.values()].sort((a, b) => (a.last_at < b.last_at ? 1 : -1)).slice(0, MOST);
}

function mergeWarning(a: RecentWarning, b: RecentWarning): RecentWarning {
  return {
    ...(a.last_at >= b.last_at ? a : b),
    first_at: a.first_at < b.first_at ? a.first_at : b.first_at,
    times: a.times + b.times,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? shorten(value) : undefined;
}

function shorten(text: string): string {
  const hidden = hideSecrets(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
  return hidden.toWellFormed();
}
