import type { Config } from './config.ts';
import type { KeyPath } from './key-path.ts';
import type { RuleInput } from './server-rules.ts';
import type { ConfigDraft } from './table.ts';

/** Where certificates come from: as written, else acme, else files when every server brings its own. */
export function decideCertificates(draft: Pick<ConfigDraft, 'certificates' | 'servers'>): Config['certificates'] {
  if (draft.certificates !== undefined) return draft.certificates;
  const servers = draft.servers ?? [];
  return servers.length > 0 && servers.every((server) => server?.certificate !== undefined) ? 'files' : 'acme';
}

/** Rules about certificates: each in one complete form, and one for every server. */
export function checkCertificates(input: RuleInput): void {
  const { draft, source, report } = input;
  (draft.servers ?? []).forEach((server, index) => {
    if (server?.certificate !== undefined) checkForm(input, ['servers', index, 'certificate']);
    if (server?.federation_certificate !== undefined) checkForm(input, ['servers', index, 'federation_certificate']);
    if (draft.certificates !== 'files' || server === undefined) return;
    if (source.has(['servers', index, 'certificate'])) return;
    const name = server.server_name?.text ?? 'a server';
    const what = `certificates is files, but ${name} brings no certificate`;
    const fix = `Give that server its certificate: { cert: FILE, key: FILE } in a configuration file, or ${source.spell(['certificates'], 'acme')}`;
    report({ path: ['certificates'], at: 'value', what, fix });
  });
  const unclear = draft.certificates === undefined && source.has(['certificates']);
  if (!unclear && decideCertificates(draft) === 'acme') checkChallenges(input);
}

/** PEM needs both files, PKCS#12 stands alone, and a password belongs to PKCS#12. */
function checkForm({ source, report }: RuleInput, path: KeyPath): void {
  const has = (key: string) => source.has([...path, key]);
  const say = (key: string, what: string, fix: string) => report({ path: [...path, key], at: 'key', what, fix });
  const pem = has('cert') || has('key');
  if (has('pkcs12') && pem) {
    say('pkcs12', 'stands beside cert or key, and only one kind of file can be used', 'Keep pkcs12, or cert and key');
  } else if (has('cert') && !has('key')) {
    say('cert', 'names a certificate without its private key', 'Add key: FILE');
  } else if (has('key') && !has('cert')) {
    say('key', 'names a private key without its certificate', 'Add cert: FILE');
  } else if (!has('pkcs12') && !pem) {
    const fix = 'Write { cert: FILE, key: FILE } or { pkcs12: FILE, password_file: FILE }';
    report({ path, at: 'key', what: 'names no certificate file', fix });
  }
  if (has('password') && has('password_file')) {
    say('password_file', 'stands beside password', 'Keep one of the two');
  }
  for (const key of ['password', 'password_file']) {
    if (has(key) && !has('pkcs12') && pem) {
      say(key, 'belongs to pkcs12; a PEM key has to be without a password', 'Remove this line');
    }
  }
}

const LISTENER_OF = { 'tls-alpn-01': 'https', 'http-01': 'http' } as const;

/** Every challenge needs its listener (RFC 8737: 443; RFC 8555, 8.3: 80); one that can be met is enough. */
function checkChallenges({ draft, source, report }: RuleInput): void {
  const { acme, listen } = draft;
  const challenges = acme?.challenges;
  if (challenges === undefined || listen === undefined) return;
  const possible = challenges.some((challenge) => listen[LISTENER_OF[challenge]]?.length !== 0);
  // With both TLS listeners off, that is the problem, and it is reported elsewhere.
  if (possible || (listen.https?.length === 0 && listen.federation?.length === 0)) return;
  const listeners = challenges.map((challenge) => ['listen', LISTENER_OF[challenge]] as const);
  const needs = challenges.map(
    (challenge, index) => `${challenge} needs ${source.place(listeners[index]!, 'key').key}`,
  );
  const what = `${needs.join(' and ')}, which ${needs.length > 1 ? 'are' : 'is'} off, so no certificate could be got`;
  const other = needs.length > 1 ? 'one of them' : 'that listener, or allow the other challenge';
  const written = ['acme', 'challenges'];
  const path = source.has(written) ? written : listeners[0]!;
  report({ path, at: 'value', what, fix: `Open ${other}, or bring your own certificates (certificates: files)` });
}
