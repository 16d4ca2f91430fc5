import { readAnswerFields } from './answer-fields.ts';
import type { CaAnswer } from './ca-answer.ts';
import { malformedAnswer, readRetryAfter } from './read-problem.ts';

/** When the CA suggests to renew a certificate (RFC 9773 section 4.2). Times in milliseconds since the epoch. */
export interface SuggestedWindow {
  readonly start: number;
  readonly end: number;
  /** Seconds after which to ask again, as the CA said; undefined where it did not say. Not yet clamped (section 4.3). */
  readonly retryAfter: number | undefined;
  /** A page that says why, http or https. */
  readonly explanationUrl: string | undefined;
}

/**
 * Throws an AcmeProblem of type `malformed-answer`, which keeps the answer's Retry-After, whatever the bytes; also for a
 * window that does not end after it starts, which is to be treated as no answer (section 4.2).
 */
export function parseRenewalInfo(answer: CaAnswer, now: number): SuggestedWindow {
  const fields = readAnswerFields(answer);
  const window = fields.object('suggestedWindow');
  const [start, end] = [window.time('start'), window.time('end')];
  const retryAfter = readRetryAfter(answer, now);
  if (end <= start) {
    throw malformedAnswer(answer.url, answer.status, 'the window to renew in ends before it starts', retryAfter);
  }
  const explanation = fields.has('explanationURL') ? fields.text('explanationURL', 2_048) : '';
  return {
    start,
    end,
    retryAfter,
    explanationUrl: /^https?:\/\/[^\s"<>]+$/.test(explanation) ? explanation : undefined,
  };
}
