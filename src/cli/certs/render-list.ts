import { limitsOfCa } from '../../acme/ca-limits.ts';
import { describeInstant, describeSpan } from '../../acme/describe-time.ts';
import { createPaint, type Paint } from '../demo/demo-text.ts';
import { describeNext, type LastFailure } from './plan-next.ts';
import type { CertificateState } from './read-certificates.ts';
import type { ListedCertificate } from './read-listed.ts';

const DAY = 86_400_000;
const LABEL_WIDTH = 14;

/** Every certificate as a block of lines for a person; `now` in milliseconds. Pure. */
export function renderList(listed: readonly ListedCertificate[], now: number, colour: boolean): string {
  const paint = createPaint(colour);
  return listed.map((one) => renderOne(one, now, paint)).join('\n');
}

function renderOne(one: ListedCertificate, now: number, paint: Paint): string {
  const { needed, next, lastFailure, findings, heldUp } = one;
  const lines: [label: string, text: string][] = [
    ['valid', paintState(describeValidity(one, now), one.state, paint)],
    ['from', describeOrigin(one)],
    ['why', needed.why],
  ];
  if (heldUp !== undefined) {
    lines.push(['held up', paint.bad(`since ${describeInstant(heldUp.since)}. ${heldUp.why}`)]);
    for (const { fix } of heldUp.findings) lines.push(['fix', fix]);
  }
  if (next !== undefined) lines.push(['next', describeNext(next, now, heldUp !== undefined)]);
  if (lastFailure !== undefined) lines.push(['last failure', describeFailure(lastFailure)]);
  for (const { severity, what, fix } of findings) lines.push([severity, `${what} ${fix}`.trimEnd()]);
  const body = lines.map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}\n`).join('');
  return `${paint.strong(needed.names.join(', '))}\n${body}`;
}

function paintState(text: string, state: CertificateState, paint: Paint): string {
  if (state === 'good') return paint.good(text);
  return state === 'expires-soon' ? paint.strong(text) : paint.bad(text);
}

function describeValidity({ certificate, state, findings }: ListedCertificate, now: number): string {
  if (certificate === undefined) return findings.length > 0 ? 'none that can be read' : 'none yet';
  const { notBefore, notAfter } = certificate;
  if (state === 'expired') return `expired ${describeSpan(now - notAfter)} ago, on ${describeInstant(notAfter)}`;
  if (notBefore > now) return `not before ${describeInstant(notBefore)}`;
  const unusable = state === 'unusable' ? ', but clients refuse it' : '';
  return `${describeTimeLeft(notAfter - now)}, until ${describeInstant(notAfter)}${unusable}`;
}

/** Whole days, and hours or minutes where there are fewer than two. */
export function describeTimeLeft(ms: number): string {
  return ms < 2 * DAY ? `${describeSpan(ms)} left` : `${Math.floor(ms / DAY)} days left`;
}

function describeOrigin({ needed: { source }, held }: ListedCertificate): string {
  if (source.kind === 'local') return 'the development CA: only those who were given its root trust it';
  if (source.kind === 'files') {
    const { files, listener } = source;
    const paths = files.kind === 'pem' ? `${files.cert} with the key ${files.key}` : files.file;
    return listener === 'all' ? paths : `${paths}, for the federation port`;
  }
  return held === undefined ? 'a CA, by ACME' : limitsOfCa(held.stored.directory).ca;
}

function describeFailure({ at, ca, failures, type, detail }: LastFailure): string {
  const times = failures === 1 ? '' : `, ${failures} failures in a row`;
  return `${describeInstant(at)} at ${ca}${times}: ${detail === '' ? type : `${detail} (${type})`}`;
}
