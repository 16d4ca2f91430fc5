import type { PlainAnswer } from './ask-plain.ts';

/** An answer in a clause, with nothing in it that a terminal would not take: `404 application/json`. */
export function describeAnswer(answer: PlainAnswer): string {
  if (!answer.ok) return answer.words;
  const type = String(answer.headers['content-type'] ?? 'no content type').split(';')[0]!;
  return `${answer.status} ${type.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, '?')}`;
}
