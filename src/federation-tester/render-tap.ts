import type { Facts } from './facts.ts';
import type { FindingId } from './finding-kinds.ts';
import { isDead } from './judge-connections.ts';
import { tameLine } from './quote.ts';
import type { Finding, NotTested, Verdict } from './verdict.ts';

/** The cases, in the order of the report. Their names are stable: scripts go by them. */
export const TAP_CASES = [
  'server_name_valid',
  'well_known_valid',
  'srv_valid',
  'dns_resolves',
  'addresses_reachable',
  'tls_valid',
  'keys_valid',
  'version_reachable',
  'requests_arrive',
  'test_complete',
  'federation_ok',
] as const;

export type TapCase = (typeof TAP_CASES)[number];

const BY_PREFIX: readonly (readonly [RegExp, TapCase])[] = [
  [/^name-/, 'server_name_valid'],
  [/^well-known-/, 'well_known_valid'],
  [/^srv-certificate-for-target$|^tls-/, 'tls_valid'],
  [/^srv-/, 'srv_valid'],
  [/^(dns|too-many)-|^address-private$/, 'dns_resolves'],
  [/^(connection|address|ipv4|ipv6|delegation|port)-/, 'addresses_reachable'],
  [/^(keys|clock)-|^homeserver-down$/, 'keys_valid'],
  [/^(version|unknown|federation-not)-/, 'version_reachable'],
  [/^test-/, 'test_complete'],
];

/** Which case a finding belongs to: requests, unless it is about something that comes before them. */
export function caseOf(id: FindingId): TapCase {
  return BY_PREFIX.find(([pattern]) => pattern.test(id))?.[1] ?? 'requests_arrive';
}

/**
 * The report in the Test Anything Protocol, version 14. A case with an error is `not ok`; warnings stand below an `ok`.
 * What was never asked, since something before it failed, is skipped with the reason.
 */
export function renderTap(facts: Facts, verdict: Verdict): string {
  const points = TAP_CASES.flatMap((name, index) => {
    const findings = verdict.findings.filter(({ id }) => caseOf(id) === name);
    const skipped = findings.length > 0 ? undefined : whyNotLooked(name, facts);
    const bad =
      name === 'federation_ok' ? !verdict.federationOk : findings.some(({ severity }) => severity === 'error');
    const head = `${bad ? 'not ok' : 'ok'} ${index + 1} - ${name}${skipped === undefined ? '' : ` # SKIP ${skipped}`}`;
    if (name === 'federation_ok') return [head, ...writeYaml(summaryOf(verdict))];
    return findings.length === 0 ? [head] : [head, ...writeYaml({ findings })];
  });
  const about = `# ${escapeComment(tameLine(facts.asked.slice(0, 300)))}`;
  return `${['TAP version 14', about, `1..${TAP_CASES.length}`, ...points, ...verdict.notTested.map(noteNotTested)].join('\n')}\n`;
}

function whyNotLooked(name: TapCase, { resolution, addresses, complete }: Facts): string | undefined {
  if (name === 'server_name_valid' || name === 'federation_ok' || name === 'test_complete') return undefined;
  if (resolution === undefined) return complete ? 'there is no server name' : 'there was no time';
  if (name === 'well_known_valid') return resolution.wellKnown === undefined ? 'no document is asked for' : undefined;
  if (name === 'srv_valid') return resolution.srv.length === 0 ? 'no SRV record is asked for' : undefined;
  if (name === 'dns_resolves') return undefined;
  if (name === 'addresses_reachable') {
    if (addresses.length === 0) return 'there is no address';
    // Without a finding, that is where the way leads for want of the document, and not where the server is.
    return addresses.every((about) => about.keys === undefined || isDead(about))
      ? 'nobody is where the way leads without the well-known document'
      : undefined;
  }
  if (name === 'tls_valid') return addresses.some(({ tls }) => tls !== undefined) ? undefined : 'there is no TLS';
  return addresses.some(({ keys }) => keys?.ok === true) ? undefined : 'nothing answers';
}

function summaryOf({ firstLine, lastLine, findings }: Verdict): Readonly<Record<string, unknown>> {
  const count = (wanted: Finding['severity']): number => findings.filter(({ severity }) => severity === wanted).length;
  return { message: firstLine, next: lastLine, errors: count('error'), warnings: count('warning') };
}

/** A YAML block: JSON is YAML, and in JSON no text can end the block. */
function writeYaml(values: Readonly<Record<string, unknown>>): readonly string[] {
  const lines = Object.entries(values).flatMap(([key, value]) =>
    Array.isArray(value)
      ? [`${key}:`, ...value.map((one) => `  - ${tameLine(JSON.stringify(one))}`)]
      : [`${key}: ${tameLine(JSON.stringify(value))}`],
  );
  return ['---', ...lines, '...'].map((line) => `  ${line}`);
}

function noteNotTested({ what, why }: NotTested): string {
  return `# not tested: ${escapeComment(tameLine(`${what}, since ${why}`))}`;
}

/** `#` begins a directive. */
function escapeComment(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
}
