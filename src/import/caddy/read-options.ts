import type { Finding } from '../../base/finding.ts';
import { parseAcmeDirectory } from '../../config/acme-directory.ts';
import type { Place } from '../place.ts';
import { tellDns } from '../tell-dns.ts';
import { entry, type YamlEntry } from '../yaml-entry.ts';
import type { Caddyfile, Segment } from './parse-caddyfile.ts';

/** What Caddy's options and tls directives say about getting certificates. */
export interface CaddyTls {
  readonly sections: readonly YamlEntry[];
  readonly findings: readonly Finding[];
}

/** The sections that follow from the options of a Caddyfile and the tls directives of its sites. */
export function readCaddyTls({ options, sites }: Caddyfile): CaddyTls {
  const findings: Finding[] = [];
  const acme: [string, unknown][] = [];
  const directives = sites.flatMap(({ block }) => (block ?? []).filter(({ words }) => words[0]?.text === 'tls'));
  const written = (name: string): Segment | undefined => options.find(({ words }) => words[0]?.text === name);
  const own = (name: string): Segment | undefined =>
    directives.flatMap(({ block }) => block ?? []).find(({ words }) => words[0]?.text === name);
  const text = (segment: Segment | undefined, index = 1): string | undefined => segment?.words[index]?.text;

  const email = text(written('email')) ?? directives.map((one) => text(one)).find((one) => one?.includes('@'));
  if (email !== undefined && /^[^\s{}@]+@[^\s{}@]+$/.test(email)) acme.push(['email', email]);
  const directory = text(written('acme_ca')) ?? text(own('ca'));
  if (
    directory !== undefined &&
    !directory.startsWith('https://acme-v02.api.letsencrypt.org/') &&
    parseAcmeDirectory(directory).ok
  ) {
    acme.push(['directory', directory]);
    const root = text(written('acme_ca_root')) ?? text(own('ca_root'));
    if (root?.startsWith('/')) acme.push(['ca_file', root]);
  }
  const dns = written('acme_dns') ?? own('dns');
  if (dns !== undefined) findings.push(tellDns(dns.place, text(dns) ?? 'a provider'));
  const account = written('acme_eab');
  if (account !== undefined) findings.push(tellAccount(account.place));
  const internal = directives.find((one) => text(one) === 'internal') ?? written('local_certs');
  const sections: YamlEntry[] = [];
  if (internal !== undefined) {
    sections.push(entry('certificates', 'local', internal.place));
    findings.push(tellInternal(internal.place));
  } else if (acme.length > 0) sections.push(entry('acme', Object.fromEntries(acme), undefined));
  return { sections, findings };
}

function tellAccount(place: Place): Finding {
  return {
    id: 'import-external-account',
    severity: 'warning',
    place,
    what: 'The account at the certificate authority is tied to one of yours (external account binding), and secrets are not copied into the YAML.',
    fix: 'Write it, with the key in a file:',
    lines: ['acme:', '  external_account: { key_id: ..., hmac_key_file: certs/eab.key }'],
  };
}

/** Certificates are those of Caddy's own authority. */
export function tellInternal(place: Place): Finding {
  return {
    id: 'import-local-authority',
    severity: 'info',
    place,
    what: "Caddy's own authority signs the certificates here, which nobody else trusts; the YAML has the sidecar's own in its place.",
    fix: 'Whoever trusts that of Caddy has to trust that of the sidecar (development-ca/root.pem in its store).',
  };
}
