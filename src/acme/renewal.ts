import { describeInstant, describeSpan } from './describe-time.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** RFC 9773, 4.3.3: how long after an answer that is of no use the CA is asked again. */
const ARI_LONG_WAIT = 6 * HOUR;
/** No answer's word and no failure of the CA's keeps us from asking for longer. */
export const LONGEST_ARI_WAIT = DAY;
/** Tries after a temporary failure, each twice as long after the last, before it counts as a lasting one. */
const ARI_TRIES = 6;

/** The span in which a certificate is good; milliseconds since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What the CA said of when to renew (RFC 9773, 4.2), kept with the certificate. Milliseconds since the epoch. */
export interface RenewalInfo {
  readonly start: number;
  readonly end: number;
  /** The instant picked in the window; kept, so that a restart does not pick again. */
  readonly chosen?: number;
}

/**
 * How much a renewal is needed: `advised` by the CA before its time, `due` by the certificate's age, `urgent` when so
 * little is left that everything else should make way.
 */
export type RenewalNeed = 'advised' | 'due' | 'urgent';

export interface RenewalDecision {
  readonly renew: boolean;
  /** The instant to renew at; not after now where `renew` is true, and always before the certificate expires. */
  readonly at: number;
  readonly why: string;
  /** What it is now, or will be at `at`. */
  readonly need: RenewalNeed;
  /** The instant after now at which the need grows, so that what stood in the way may not any more. */
  readonly needGrowsAt: number | undefined;
  /** The need is urgent now. */
  readonly emergency: boolean;
  /** The instant picked in the CA's window, to be kept with the window. */
  readonly chosen?: number;
}

/** How much of the lifetime is left when a renewal is due without the CA's advice; half when it is short. */
export interface RenewalPolicy {
  /** Over 0, at most 1. */
  readonly remaining: number;
  readonly remainingWhenShort: number;
  /** Milliseconds; a lifetime below this is short. */
  readonly short: number;
  /** The part of the lifetime below which it is an emergency. */
  readonly emergency: number;
}

export const RENEWAL_POLICY: RenewalPolicy = Object.freeze({
  remaining: 1 / 3,
  remainingWhenShort: 1 / 2,
  short: 10 * DAY,
  emergency: 1 / 20,
});

/** The instant from which so little of a certificate's life is left that everything else should make way. */
export function emergencyOf({ notBefore, notAfter }: Validity, policy = RENEWAL_POLICY): number {
  return Math.floor(notAfter - (notAfter - notBefore) * policy.emergency);
}

/**
 * When a certificate is to be renewed: at a random instant in the window that the CA suggests (RFC 9773, 4.2), else
 * when a part of its real lifetime is left; at the latest when an emergency begins. `random` gives numbers from 0 to 1.
 */
export function decideRenewal(
  facts: { readonly certificate: Validity; readonly ari?: RenewalInfo | undefined; readonly policy?: RenewalPolicy },
  now: number,
  random: () => number,
): RenewalDecision {
  const { notBefore, notAfter } = facts.certificate;
  const policy = facts.policy ?? RENEWAL_POLICY;
  const lifetime = notAfter - notBefore;
  if (!(lifetime > 0))
    return {
      renew: true,
      at: now,
      why: 'The certificate ends before it begins.',
      need: 'urgent',
      needGrowsAt: undefined,
      emergency: true,
    };
  const latest = emergencyOf(facts.certificate, policy);
  if (now >= notAfter) {
    const why = `The certificate expired on ${describeInstant(notAfter)}.`;
    return { renew: true, at: latest, why, need: 'urgent', needGrowsAt: undefined, emergency: true };
  }
  if (now >= latest) {
    const why = `Only ${describeSpan(notAfter - now)} are left of the certificate's ${describeSpan(lifetime)}.`;
    return { renew: true, at: latest, why, need: 'urgent', needGrowsAt: undefined, emergency: true };
  }
  const ari = facts.ari !== undefined && facts.ari.end > facts.ari.start ? facts.ari : undefined;
  if (ari === undefined) return decideByLifetime(notAfter, lifetime, latest, policy, now, facts.ari !== undefined);
  const chosen = chooseInstant(ari, random);
  const at = Math.min(chosen, latest);
  const window = `${describeInstant(ari.start)} to ${describeInstant(ari.end)}`;
  const renew = at <= now;
  const why =
    chosen > latest
      ? `The CA suggests ${window}, which is too late to be safe; it is renewed on ${describeInstant(at)} instead.`
      : `The CA suggests to renew from ${window}; ${renew ? 'the instant picked in it has come' : `${describeInstant(at)} was picked`}.`;
  const due = Math.min(dueAt(notAfter, lifetime, policy), latest);
  const advised = Math.max(at, now) < due;
  const need = advised ? 'advised' : 'due';
  return { renew, at, why, need, needGrowsAt: advised ? due : latest, emergency: false, chosen };
}

/** The kept instant while it lies in the window, for the CA may move that; else a new one, uniformly at random. */
function chooseInstant(ari: RenewalInfo, random: () => number): number {
  const { start, end, chosen } = ari;
  if (chosen !== undefined && chosen >= start && chosen <= end) return chosen;
  return Math.min(end, start + Math.floor(random() * (end - start)));
}

function decideByLifetime(
  notAfter: number,
  lifetime: number,
  latest: number,
  policy: RenewalPolicy,
  now: number,
  badWindow: boolean,
): RenewalDecision {
  const at = Math.min(dueAt(notAfter, lifetime, policy), latest);
  const rule = `with ${describeSpan(notAfter - at)} left of ${describeSpan(lifetime)}`;
  const why = `${at <= now ? 'It is time to renew' : `To be renewed on ${describeInstant(at)}`}, ${rule}; ${
    badWindow ? 'the window that the CA suggested ends before it begins' : "no advice of the CA's is known"
  }.`;
  return { renew: at <= now, at, why, need: 'due', needGrowsAt: latest, emergency: false };
}

/** The instant at which so much of the lifetime is left as the policy wants. */
function dueAt(notAfter: number, lifetime: number, policy: RenewalPolicy): number {
  const remaining = lifetime < policy.short ? policy.remainingWhenShort : policy.remaining;
  return Math.round(notAfter - lifetime * remaining);
}

/** How asking the CA for its advice ended. */
export type AriAnswer =
  /** `retryAfter` in seconds; undefined where the answer brought none, or none that is a number or a date. */
  | { readonly kind: 'answered'; readonly retryAfter: number | undefined }
  /** `temporary`: a timeout or a 5xx; otherwise refused, no such name, any other status. `failures` in a row, from 1. */
  | { readonly kind: 'failed'; readonly temporary: boolean; readonly failures: number; readonly retryAfter?: number };

/** When the CA is to be asked for its advice again (RFC 9773, 4.3): never within a minute, at least once a day. */
export function nextAriCheck(answer: AriAnswer, now: number): { readonly at: number; readonly why: string } {
  const clamp = (seconds: number) => Math.min(Math.max(seconds * 1_000, MINUTE), LONGEST_ARI_WAIT);
  if (answer.retryAfter !== undefined && Number.isFinite(answer.retryAfter)) {
    const wait = clamp(answer.retryAfter);
    return { at: now + wait, why: `The CA asks to be asked again after ${describeSpan(wait)}.` };
  }
  if (answer.kind === 'failed' && answer.temporary && answer.failures <= ARI_TRIES) {
    const wait = MINUTE * 2 ** Math.max(0, answer.failures - 1);
    return { at: now + wait, why: `The CA gave no advice, for now; it is asked again after ${describeSpan(wait)}.` };
  }
  const reason = answer.kind === 'failed' ? 'The CA gave no advice' : 'The CA did not say when to ask again';
  return { at: now + ARI_LONG_WAIT, why: `${reason}; it is asked again after ${describeSpan(ARI_LONG_WAIT)}.` };
}
