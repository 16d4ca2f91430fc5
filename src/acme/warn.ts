import { describeInstant, describeSpan } from './describe-time.ts';
import type { Validity } from './renewal.ts';

/** How near a certificate is to its end, the worst last. */
export type RiskLevel = 'ok' | 'at-risk' | 'emergency' | 'expired';

/** What was said about a certificate so far; kept, so that nothing is said twice. */
export interface RiskState {
  readonly level: RiskLevel;
  /** The levels that were announced since it was last `ok`. */
  readonly announced: readonly RiskLevel[];
}

/** Something to be told: to the log, the metrics and the webhook. */
export interface RiskEvent {
  readonly event: 'began' | 'over';
  /** The level that began; for `over`, the worst that there was. */
  readonly level: RiskLevel;
  readonly message: string;
}

/** What is known of a certificate when it is judged. */
export interface RiskFacts {
  /** The certificate's name for people: its names, joined. */
  readonly certificate: string;
  readonly validity: Validity;
  /** Why there is no newer one, a sentence, and when it is tried next; `at` is undefined where it is not tried here. */
  readonly next?: { readonly at: number | undefined; readonly why: string } | undefined;
}

const LEVELS: readonly RiskLevel[] = ['ok', 'at-risk', 'emergency', 'expired'];
const AT_RISK = 1 / 6;
const EMERGENCY = 1 / 20;

/** The state of a certificate of which nothing was said. */
export const NO_RISK: RiskState = Object.freeze({ level: 'ok', announced: Object.freeze([]) });

/** `at-risk` with a sixth of its lifetime left, `emergency` with a twentieth, `expired` at its end. */
export function judgeRisk({ notBefore, notAfter }: Validity, now: number): RiskLevel {
  const left = notAfter - now;
  const lifetime = notAfter - notBefore;
  if (left <= 0) return 'expired';
  if (left < lifetime * EMERGENCY) return 'emergency';
  return left < lifetime * AT_RISK ? 'at-risk' : 'ok';
}

/** The instant at which a certificate's level changes next, if nothing is done; undefined where it cannot get worse. */
export function nextRiskChange({ notBefore, notAfter }: Validity, now: number): number | undefined {
  const lifetime = Math.max(0, notAfter - notBefore);
  const changes = [AT_RISK, EMERGENCY, 0].map((part) => Math.floor(notAfter - lifetime * part) + (part > 0 ? 1 : 0));
  return changes.find((at) => at > now);
}

/** The instant from which on a certificate is no longer `ok`. */
export function riskBegan({ notBefore, notAfter }: Validity): number {
  return Math.floor(notAfter - Math.max(0, notAfter - notBefore) * AT_RISK) + 1;
}

/** What there is to say now: each level once until the certificate is out of danger, and once that it is. */
export function assessRisk(
  previous: RiskState,
  facts: RiskFacts,
  now: number,
): { state: RiskState; events: RiskEvent[] } {
  const level = judgeRisk(facts.validity, now);
  if (level === 'ok') {
    if (previous.announced.length === 0) return { state: NO_RISK, events: [] };
    const worst = [...previous.announced].sort((a, b) => LEVELS.indexOf(b) - LEVELS.indexOf(a))[0]!;
    const message = `The certificate for ${facts.certificate} is out of danger: it is good until ${describeInstant(facts.validity.notAfter)}.`;
    return { state: NO_RISK, events: [{ event: 'over', level: worst, message }] };
  }
  if (previous.announced.includes(level)) return { state: { ...previous, level }, events: [] };
  const state = { level, announced: [...previous.announced, level] };
  return { state, events: [{ event: 'began', level, message: describeRisk(facts, level, now) }] };
}

function describeRisk({ certificate, validity, next }: RiskFacts, level: RiskLevel, now: number): string {
  const { notAfter } = validity;
  const what =
    level === 'expired'
      ? `The certificate for ${certificate} expired on ${describeInstant(notAfter)}; it is still served, and other servers refuse it`
      : `The certificate for ${certificate} expires in ${describeSpan(notAfter - now)} (${describeInstant(notAfter)}) and is not renewed`;
  if (next === undefined) return `${what}.`;
  if (next.at === undefined) return `${what}. ${next.why}`;
  // What stands there for an instant that has passed is why it was chosen, not what is happening.
  if (next.at <= now) return `${what}. It is being tried now.`;
  return `${what}. Next attempt ${describeInstant(next.at)}: ${next.why}`;
}
