import { describeInstant, describeSpan } from './describe-time.ts';
import type { Tries } from './ledger.ts';
import { emergencyOf, type Validity } from './renewal.ts';

const HOUR = 3_600_000;
/** Failures in a row of the CA's own, or this long of them, after which another is tried. */
const CA_FAILURES = 5;
const CA_FAILING_FOR = 6 * HOUR;
/** Failures of any kind after which another CA is tried when little time is left, or there is no certificate yet. */
const FAILURES_NEAR_EXPIRY = 2;
const FAILURES_WITHOUT_CERTIFICATE = 5;
const NEAR_EXPIRY = 1 / 6;
/** A CA that takes no orders for longer than this is as good as out of order. */
const LONG_BLOCK = 12 * HOUR;
/** How often a CA that is out of favour is given a chance again. */
const AGAIN_AFTER = 6 * HOUR;

/** A CA that may be asked. */
export interface CaCandidate {
  readonly ca: string;
  readonly tries: Tries;
  /** The instant from which it takes orders (limits and waits); not after now where it does already. */
  readonly notBefore: number;
}

/**
 * Which CA is asked next for a set of names: the first of `candidates` (at least one), the configured order; the next
 * one while it keeps failing by its own fault, or by any when little of the certificate's life is left. The first gets
 * a chance again every six hours, so it is back in use once it works. Where all fail, the one tried longest ago.
 */
export function chooseCa(
  candidates: readonly [CaCandidate, ...CaCandidate[]],
  certificate: Validity | undefined,
  now: number,
): { readonly ca: string; readonly why: string } {
  const [first, ...others] = candidates;
  if (others.length === 0) return { ca: first.ca, why: 'It is the only CA that is configured.' };
  const trouble = findTrouble(first, certificate, now);
  if (trouble === undefined) return { ca: first.ca, why: 'It is the first CA that is configured.' };
  if (now - first.tries.lastAt >= AGAIN_AFTER && first.notBefore <= now) {
    return { ca: first.ca, why: `${trouble}; after ${describeSpan(AGAIN_AFTER)} it gets a chance again.` };
  }
  const healthy = others.find((other) => findTrouble(other, certificate, now) === undefined);
  if (healthy !== undefined) return { ca: healthy.ca, why: `${trouble}, so another CA is asked.` };
  const soonest = (one: CaCandidate) => Math.max(one.notBefore, now);
  const longestAgo = [...candidates].sort((a, b) => soonest(a) - soonest(b) || a.tries.lastAt - b.tries.lastAt)[0]!;
  return { ca: longestAgo.ca, why: 'All CAs fail; this is the one that can be asked first again.' };
}

/** To wait beyond the last twentieth is no plan; within it, not for longer than half of the time that is left. */
function latestFor(certificate: Validity, now: number): number {
  return Math.max(emergencyOf(certificate), now + (certificate.notAfter - now) / 2);
}

function findTrouble({ ca, tries, notBefore }: CaCandidate, certificate: Validity | undefined, now: number) {
  const { caFailures, caSince, failures } = tries;
  if (caFailures >= CA_FAILURES) return `${ca} failed ${caFailures} times in a row`;
  if (caFailures > 1 && caSince !== undefined && now - caSince >= CA_FAILING_FOR) {
    return `${ca} has been failing for ${describeSpan(now - caSince)}`;
  }
  if (certificate !== undefined && notBefore > now && notBefore > latestFor(certificate, now)) {
    return `${ca} takes no orders before ${describeInstant(notBefore)}, which is too late for the certificate in use`;
  }
  if (notBefore > now + LONG_BLOCK) return `${ca} takes no orders before ${describeInstant(notBefore)}`;
  if (certificate === undefined) {
    return failures >= FAILURES_WITHOUT_CERTIFICATE
      ? `${ca} failed ${failures} times, and there is no certificate yet`
      : undefined;
  }
  const left = certificate.notAfter - now;
  const near = left < (certificate.notAfter - certificate.notBefore) * NEAR_EXPIRY;
  if (!near || failures < FAILURES_NEAR_EXPIRY) return undefined;
  const time = left > 0 ? `only ${describeSpan(left)} of the certificate are left` : 'the certificate has expired';
  return `${ca} failed ${failures} times, and ${time}`;
}
