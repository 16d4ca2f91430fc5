import { formatDuration } from '../../federation-tester/quote.ts';
import type { CertificateLevel, CertificateStatus } from '../status.ts';
import { describeMoment } from './describe-moment.ts';
import type { Moment, Tone, Word } from './tone.ts';

/** A certificate as people look at it. */
export interface CertificateView extends Word {
  /** At least one. */
  readonly names: readonly string[];
  readonly issuer: string;
  /** `61 days left`. */
  readonly left: string;
  readonly issued: Moment;
  readonly expires: Moment;
  /** Undefined where there is none yet. */
  readonly timeline: Timeline | undefined;
  /** When it is next got from a CA, and why then. */
  readonly next: { readonly when: Moment | undefined; readonly why: string } | undefined;
  readonly last: { readonly when: Moment; readonly word: Word; readonly what: string } | undefined;
  readonly obstacle: string | undefined;
}

/** A lifetime from 0, its issue, to 1, its expiry. */
export interface Timeline {
  readonly now: number;
  /** Undefined where there is no next attempt within it. */
  readonly next: number | undefined;
  /** From where it is said to end soon, and very soon. */
  readonly soon: number;
  readonly verySoon: number;
}

const LEVELS: Readonly<Record<CertificateLevel, { readonly tone: Tone; readonly word: string }>> = {
  ok: { tone: 'good', word: 'good' },
  'at-risk': { tone: 'warn', word: 'ends soon' },
  emergency: { tone: 'bad', word: 'ends very soon' },
  expired: { tone: 'bad', word: 'expired' },
  missing: { tone: 'bad', word: 'none yet' },
};

/** `now` in milliseconds since the epoch. Pure. */
export function viewCertificate(status: CertificateStatus, now: number): CertificateView {
  const { names, level, next_attempt, last_result, obstacle } = status;
  const [began, ends] = [Date.parse(status.not_before), Date.parse(status.not_after)];
  const place = (at: number): number => Math.min(1, Math.max(0, (at - began) / Math.max(1, ends - began)));
  const nextAt = next_attempt?.at === null || next_attempt === null ? undefined : Date.parse(next_attempt.at);
  return {
    // A level that all else would hide.
    ...(level === 'ok' && obstacle !== null ? { tone: 'warn', word: 'good, but' } : LEVELS[level]),
    names,
    issuer: status.issuer ?? 'not signed by a CA yet',
    left: level === 'missing' ? 'self-signed meanwhile' : sayLeft(ends - now),
    issued: describeMoment(status.not_before, now),
    expires: describeMoment(status.not_after, now),
    timeline:
      level === 'missing'
        ? undefined
        : {
            now: place(now),
            next: nextAt === undefined || nextAt > ends ? undefined : place(Math.max(nextAt, now)),
            soon: 5 / 6,
            verySoon: 19 / 20,
          },
    next:
      next_attempt === null
        ? undefined
        : {
            when: next_attempt.at === null ? undefined : describeMoment(next_attempt.at, now),
            why: next_attempt.why,
          },
    last:
      last_result === null
        ? undefined
        : {
            when: describeMoment(last_result.at, now),
            word: last_result.ok ? { tone: 'good', word: 'went well' } : { tone: 'bad', word: 'failed' },
            what: last_result.what,
          },
    obstacle: obstacle === null ? undefined : obstacle,
  };
}

/** Whole days, and hours or minutes where there are fewer than two. */
function sayLeft(ms: number): string {
  if (ms <= 0) return `expired ${formatDuration(ms)} ago`;
  const days = Math.floor(ms / 86_400_000);
  return days >= 2 ? `${days} days left` : `${formatDuration(ms)} left`;
}
