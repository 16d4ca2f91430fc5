import type { CertificateView } from '../../admin/view/certificate-view.ts';
import type { ServerView } from '../../admin/view/server-view.ts';
import { drawTimeline } from './draw-bars.ts';
import { layOut, type Row, wrap } from './lay-out.ts';
import { instant, MARKS, paintTone, type Terminal } from './terminal.ts';

/** A server name, and below it everything that serves it. Pure. */
export function renderServer(server: ServerView, { paint, width }: Terminal): string {
  const { name, tone, word, way, held, instances } = server;
  const waits = held === 0 ? '' : `, ${held} request${held === 1 ? '' : 's'} held`;
  const rows = instances.map(({ part, place, address, tone, word, lasting, inFlight }): Row => {
    const where = address === undefined ? place : `${place} at ${address}`;
    return [`${MARKS[tone]} ${part}`, where, `${word} for ${lasting}`, `${inFlight} now`];
  });
  const lines = layOut(rows, width).flatMap((line, index) => {
    const { why, tone } = instances[index]!;
    const because = why === undefined ? [] : [wrap(`    ${why}`, width, 4)];
    return [tone === 'good' ? line : paintTone(paint, tone)(line), ...because];
  });
  const first = wrap(`${MARKS[tone]} ${name}: ${word}${waits}`, width, 2);
  return [paintTone(paint, tone)(first), paint.faint(wrap(`  ${way}`, width, 2)), ...lines].join('\n');
}

const [LABEL, LONGEST_LINE] = [12, 48];

/** A certificate with its timeline. Pure. */
export function renderCertificate(certificate: CertificateView, { paint, width }: Terminal): string {
  const { names, tone, word, left, issuer, issued, expires, timeline, next, last, obstacle } = certificate;
  const lines = [paintTone(paint, tone)(wrap(`${MARKS[tone]} ${names.join(', ')}: ${word}, ${left}`, width, 2))];
  if (timeline !== undefined) {
    const [from = '', to = ''] = [issued, expires].map(({ at }) => at.slice(0, at.indexOf('T')));
    const room = width - from.length - to.length - 4;
    lines.push(`  ${paint.faint(from)} ${drawTimeline(timeline, Math.min(LONGEST_LINE, room))} ${paint.faint(to)}`);
  }
  const facts: [what: string, text: string][] = [['signed by', issuer]];
  if (obstacle !== undefined) facts.push(['in the way', obstacle]);
  if (next !== undefined) {
    const when = next.when === undefined ? '' : `${next.when.away} (${instant(next.when.at)}): `;
    facts.push(['next', `${when}${next.why}`]);
  }
  if (last !== undefined) {
    // What failed is what stands in the way; once is enough.
    const what = last.what === obstacle ? '' : `: ${last.what}`;
    facts.push(['last', `${last.word.word} ${last.when.away}${what}`]);
  }
  const told = facts.map(([what, text]) => wrap(`  ${what.padEnd(LABEL)}${text}`, width, LABEL + 2));
  return [...lines, ...told].join('\n');
}
