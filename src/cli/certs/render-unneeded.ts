import { limitsOfCa } from '../../acme/ca-limits.ts';
import { describeInstant, describeSpan } from '../../acme/describe-time.ts';
import type { UnneededCertificate } from '../../acme/unneeded-sets.ts';
import { createPaint } from '../demo/demo-text.ts';
import { formatInstant } from './render-json.ts';
import { describeTimeLeft } from './render-list.ts';

/** A certificate in the store that the configuration does not need, and where it is. */
export interface ListedUnneeded extends UnneededCertificate {
  /** As `Store.where`. */
  readonly where: string;
}

/**
 * Those certificates as blocks of lines for a person, after the ones that are needed; `swept`: whether a sidecar of this
 * configuration removes them. Pure.
 */
export function renderUnneeded(
  listed: readonly ListedUnneeded[],
  { now, colour, swept }: { readonly now: number; readonly colour: boolean; readonly swept: boolean },
): string {
  const paint = createPaint(colour);
  return listed
    .map(({ setId, held, removeAt, where }) => {
      const lines: [label: string, text: string][] =
        held === undefined
          ? [['valid', 'none that can be read']]
          : [
              ['valid', describeValidity(held.certificate.notAfter, now)],
              ['from', limitsOfCa(held.stored.directory).ca],
            ];
      lines.push(['not needed', describeFate(held, swept ? removeAt : undefined, where, now)]);
      const body = lines.map(([label, text]) => `  ${label.padEnd(14)}${text}\n`).join('');
      return `\n${paint.strong(held?.stored.names.join(', ') ?? setId)}\n${body}`;
    })
    .join('');
}

function describeValidity(notAfter: number, now: number): string {
  if (notAfter > now) return `${describeTimeLeft(notAfter - now)}, until ${describeInstant(notAfter)}`;
  return `expired ${describeSpan(now - notAfter)} ago, on ${describeInstant(notAfter)}`;
}

function describeFate(held: ListedUnneeded['held'], removeAt: number | undefined, where: string, now: number): string {
  const isGood = held !== undefined && held.certificate.notAfter > now;
  const use = isGood ? ' Should it be needed again before its end, no order is spent.' : '';
  const end =
    removeAt === undefined
      ? `It stays until you remove it: ${where}.`
      : `A running sidecar removes it 30 days after its end, on ${describeInstant(removeAt)}.`;
  return `The configuration has no server that needs these names together, so it is not renewed.${use} ${end}`;
}

/** The same for machines: instants in ISO 8601, null where there is nothing to say. */
export function describeUnneeded({ setId, held, removeAt, where }: ListedUnneeded, swept: boolean): object {
  return {
    id: setId,
    names: held?.stored.names ?? null,
    ca: held === undefined ? null : limitsOfCa(held.stored.directory).ca,
    not_after: held === undefined ? null : formatInstant(held.certificate.notAfter),
    fingerprint_sha256: held?.certificate.fingerprint256 ?? null,
    removed_at: swept && removeAt !== undefined ? formatInstant(removeAt) : null,
    where,
  };
}
