import { createHash } from 'node:crypto';
import type { Matter } from './announcer.ts';

/** What is wrong. */
export interface Trouble {
  /** One or two sentences. */
  readonly message: string;
  readonly fix: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Something that is wrong or in order, with nothing between. */
export interface Standing {
  readonly id: string;
  readonly about: 'homeserver' | 'federation' | 'apex';
  readonly level: string;
  readonly names: readonly string[];
  /** Undefined while it is in order. */
  readonly trouble: Trouble | undefined;
  /** What is said when it is in order again. */
  readonly relief: string;
}

/** The matter that people are told of once when it begins, and once when it is over. Pure. */
export function createStandingMatter({ id, about, level, names, trouble, relief }: Standing): Matter {
  const known = { id, about, level, names };
  return {
    id,
    active: trouble === undefined ? undefined : { ...known, ...trouble },
    assess(said) {
      const isSaid = said.announced.includes(level);
      if (trouble === undefined) {
        const over = { about, event: 'over', level, names, message: relief } as const;
        return { said: { level: 'ok', announced: [] }, warnings: isSaid ? [over] : [] };
      }
      const { message, fix } = trouble;
      const began = { about, event: 'began', level, names, message, fix } as const;
      return { said: { level, announced: [level] }, warnings: isSaid ? [] : [began] };
    },
  };
}

/** What a matter is called, in the store as well: of a name or an address, as it is where that can be a key's segment. */
export function nameMatter(kind: string, of: string): string {
  const plain = of.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, 100);
  if (plain === of) return `${kind}-${of}`;
  return `${kind}-${plain}-${createHash('sha256').update(of).digest('hex').slice(0, 8)}`;
}
