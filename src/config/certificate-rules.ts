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
  for (const key of ['password', 'password_file']) {
    if (has(key) && !has('pkcs12') && pem) {
      say(key, 'belongs to pkcs12; a PEM key has to be without a password', 'Remove this line');
    }
  }
}
