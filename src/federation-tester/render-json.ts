import type { Facts } from './facts.ts';
import { toPublicReport } from './public-report.ts';
import type { Verdict } from './verdict.ts';

/**
 * The public tester's report as it answers it, indented by two, and a line end. Whatever a terminal could obey is
 * escaped, which makes no difference to who reads it as JSON. `now`: milliseconds since the epoch.
 */
export function renderJson(facts: Facts, verdict: Verdict, now: number): string {
  const text = JSON.stringify(toPublicReport(facts, verdict, now), null, 2);
  return `${text.replace(/[\u007f-\u009f\p{Bidi_C}\p{Zl}\p{Zp}]/gu, escapeCharacter)}\n`;
}

// All of them are in the Basic Multilingual Plane: one code unit each.
function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
