import { createCidrSet, parseCidr } from '../base/cidr.ts';
import type { ServerName } from '../matrix/server-name.ts';
import { nameAuthority } from './acme-directory.ts';
import { quote } from './key-path.ts';
import type { RuleInput } from './server-rules.ts';
import type { ServerDraft } from './table.ts';

/** Addresses that mean another machine in every network, or none (IANA's special-purpose registries). */
const PRIVATE = createCidrSet(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
    ...['::/127', 'fc00::/7', 'fe80::/10'],
  ].map((text) => {
    const parsed = parseCidr(text);
    if (!parsed.ok) throw new TypeError(parsed.why);
    return parsed.value;
  }),
);

/**
 * No public authority signs what is not unique on the internet (CA/Browser Forum, Baseline Requirements, 4.2.2: internal
 * names and reserved addresses), so an order for it is bound to fail. A private directory may.
 */
export function checkPublicNames({ draft, source, report }: RuleInput): void {
  const directory = draft.acme?.directory;
  const authority = directory === undefined ? undefined : nameAuthority(directory);
  if (authority === undefined) return;
  (draft.servers ?? []).forEach((server, index) => {
    if (server === undefined || source.has(['servers', index, 'certificate'])) return;
    for (const { key, name } of listCertified(server)) {
      const why = name === undefined ? undefined : explainPrivate(name);
      if (why === undefined) continue;
      const what = `${why}, and ${authority}, like every public authority, gives no certificate for it`;
      const fix = `Write ${source.spell(['certificates'], 'local')} for certificates of a development authority of our own, which others have to trust, or use a name that is yours on the internet`;
      report({ path: ['servers', index, ...key], at: 'value', what, fix });
    }
  });
}

interface Certified {
  readonly key: readonly string[];
  /** Undefined where it could not be read. */
  readonly name: Pick<ServerName, 'kind' | 'host'> | undefined;
}

/** The keys whose host a certificate is for, as app/certificate-names.ts has them. */
function listCertified({ server_name, delegate_to, delegate_by, apex, rtc }: ServerDraft): readonly Certified[] {
  const own = { key: ['server_name'], name: server_name };
  const target = { key: ['delegate_to'], name: delegate_to };
  const here = delegate_by !== 'well-known' || apex === 'here';
  const calls =
    rtc?.host === undefined ? [] : [{ key: ['rtc', 'host'], name: { kind: 'dns' as const, host: rtc.host } }];
  return [...(delegate_to === undefined ? [own] : here ? [own, target] : [target]), ...calls];
}

function explainPrivate({ kind, host }: Pick<ServerName, 'kind' | 'host'>): string | undefined {
  if (kind !== 'dns') return PRIVATE.contains(host) ? `${quote(host)} is an address of a private network` : undefined;
  if (/(^|\.)localhost$/.test(host)) return `${quote(host)} is what each machine calls itself`;
  return host.includes('.') ? undefined : `${quote(host)} has no dot, so it is no name on the internet`;
}
