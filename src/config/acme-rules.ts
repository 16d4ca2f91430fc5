import { EXTERNAL_ACCOUNTS, nameAuthority } from './acme-directory.ts';
import { decideCertificates } from './certificate-rules.ts';
import { checkChallenges } from './challenge-rules.ts';
import type { KeyPath } from './key-path.ts';
import { quote } from './key-path.ts';
import { checkPublicNames } from './public-name-rules.ts';
import type { RuleInput } from './server-rules.ts';

const ACME = ['acme'];
const FALLBACK = ['acme', 'fallback'];

/** Rules about ACME. What it needs is only asked for where it is used. */
export function checkAcme(input: RuleInput): void {
  const { draft, source } = input;
  checkFallback(input);
  checkLogin(input);
  const unclear = draft.certificates === undefined && source.has(['certificates']);
  if (unclear || decideCertificates(draft) !== 'acme') return;
  checkChallenges(input);
  checkPublicNames(input);
  checkTerms(input);
  checkExternalAccount(input, ACME, draft.acme?.directory);
  checkExternalAccount(input, FALLBACK, draft.acme?.fallback?.directory);
}

/** An authority cannot stand in for itself. */
function checkFallback({ draft, report }: RuleInput): void {
  const [first, second] = [draft.acme?.directory, draft.acme?.fallback?.directory];
  if (first === undefined || second === undefined || new URL(first).href !== new URL(second).href) return;
  const what = `${nameAuthority(second) ?? quote(second)} is the first authority as well`;
  report({ path: [...FALLBACK, 'directory'], at: 'value', what, fix: 'Name another one, or remove fallback' });
}

/** HTTP basic authentication has both. */
function checkLogin({ draft, source, report }: RuleInput): void {
  if (draft.acme?.dns?.provider !== 'httpreq') return;
  const path = [...ACME, 'dns'];
  const has = (key: string) => source.has([...path, key]);
  const password = has('password') ? 'password' : 'password_file';
  if (has('username') && !has(password)) {
    report({ path: [...path, 'username'], at: 'key', what: 'has no password', fix: 'Add password_file: FILE' });
  } else if (has(password) && !has('username')) {
    const fix = 'Add username, or remove this line';
    report({ path: [...path, password], at: 'key', what: 'belongs to a username, and there is none', fix });
  }
}

/** The authorities with a short name all have terms (RFC 8555, 7.3.3). Others are asked for theirs at run time. */
function checkTerms({ draft, source, report }: RuleInput): void {
  if (draft.acme?.agree_to_terms !== false) return;
  for (const directory of [draft.acme.directory, draft.acme.fallback?.directory]) {
    const authority = directory === undefined ? undefined : nameAuthority(directory);
    if (authority === undefined) continue;
    const path = [...ACME, 'agree_to_terms'];
    const what = `${authority} gives no account to those who do not agree to its terms of service`;
    const fix = `Read them, then write ${source.spell(path, true)}, or bring your own certificates (certificates: files)`;
    return report({ path, at: 'value', what, fix });
  }
}

/** Some authorities want to know whose the account is (RFC 8555, 7.3.4). */
function checkExternalAccount({ source, report }: RuleInput, at: KeyPath, directory: string | undefined): void {
  const authority = directory === undefined ? undefined : nameAuthority(directory);
  const where = authority === undefined ? undefined : EXTERNAL_ACCOUNTS[authority];
  const account = [...at, 'external_account'];
  if (where === undefined || source.has(account)) return;
  const [id, key] = ['key_id', 'hmac_key'].map((name) => source.place([...account, name], 'key').key);
  const what = `${authority} gives accounts only to customers of its own, who have a key identifier and an HMAC key`;
  const fix = `Get both ${where}, and write them as ${id} and ${key} (or ${source.nameFile([...account, 'hmac_key'])})`;
  report({ path: [...at, 'directory'], at: 'value', what, fix });
}
